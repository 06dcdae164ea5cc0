/** The kinds of data that formats hold and workloads take. A new kind is one more line here. */
import type { TextDataset } from './ag-news.ts';
import type { RawImages } from './image-dataset.ts';
import type { SpeechDataset } from './speech-commands.ts';

export interface DataKinds {
  images: RawImages;
  speech: SpeechDataset;
  texts: TextDataset;
}
export type DataKind = keyof DataKinds;
