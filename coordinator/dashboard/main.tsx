/** The page's entry: styles, settings that must come first, and the application. */
import { render } from 'preact';
import { config } from 'zod';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { App } from './app.tsx';

// Zod would compile its parsers with `new Function`, which the content security policy forbids.
config({ jitless: true });

render(<App />, document.getElementById('app') as HTMLElement);
