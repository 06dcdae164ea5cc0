/**
 * Zod would compile its parsers with `new Function`, which the content security policy forbids. It tries as soon as a
 * schema is made, so that this module must be imported before any that makes one.
 */
import { config } from 'zod';

config({ jitless: true });
