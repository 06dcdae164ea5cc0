/** The page's entry: settings that must come first, styles, and the application. */
import './zod-settings.ts';
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { App } from './app.tsx';

render(<App />, document.getElementById('app') as HTMLElement);
