/** Images as CSV: one row a sample, its pixels row by row, then its label (scikit-learn's digits.csv); optionally gzipped. */
import { z } from 'zod';
import { DatasetError } from '../training-service.ts';
import { datasetFormat } from './dataset-format.ts';
import type { RawImages } from './image-dataset.ts';
import { gunzipDatasetFile, readDatasetFile } from './read-file.ts';

/** The examples are scikit-learn's digits.csv. */
const csvImagesSettings = z.object({
  path: z
    .string()
    .min(1)
    .meta({ description: 'a CSV file, gzipped or not', examples: ['/path/to/digits.csv'] }),
  width: z
    .int()
    .positive()
    .meta({ description: 'pixels of a row', examples: [8] }),
  height: z
    .int()
    .positive()
    .meta({ description: 'rows of an image', examples: [8] }),
  maxValue: z
    .number()
    .positive()
    .meta({ description: 'value of a white pixel', examples: [16] }),
});

export function readCsvImages({ path, width, height, maxValue }: z.output<typeof csvImagesSettings>): RawImages {
  const raw = readDatasetFile(path, 'a CSV file of images');
  const text = Buffer.from(path.endsWith('.gz') ? gunzipDatasetFile(path, raw) : raw).toString('utf8');
  const rows = text.split('\n').filter((row) => row.trim() !== '');
  if (rows.length === 0) throw new DatasetError(`${path} has no rows`);
  const pixelCount = width * height;
  const pixels = new Uint8Array(rows.length * pixelCount);
  const labels = new Uint8Array(rows.length);
  for (const [index, row] of rows.entries()) {
    // An empty cell is no number, whatever JavaScript says.
    const cells = row.split(',').map((cell) => (cell.trim() === '' ? Number.NaN : Number(cell)));
    if (cells.length !== pixelCount + 1) {
      throw new DatasetError(
        `${path}, line ${index + 1}: ${cells.length} columns, but ${width}×${height} pixels and a label are ${pixelCount + 1}`,
      );
    }
    const label = cells[pixelCount] as number;
    if (!Number.isInteger(label) || label < 0 || label > 255)
      throw new DatasetError(
        `${path}, line ${index + 1}, column ${cells.length}: expected a whole number from 0 to 255 as the label`,
      );
    const wrong = cells.slice(0, pixelCount).findIndex((cell) => !(cell >= 0 && cell <= maxValue));
    if (wrong >= 0)
      throw new DatasetError(
        `${path}, line ${index + 1}, column ${wrong + 1}: expected a number from 0 to ${maxValue}`,
      );
    labels[index] = label;
    for (let i = 0; i < pixelCount; i++)
      pixels[index * pixelCount + i] = Math.round(((cells[i] as number) / maxValue) * 255);
  }
  const highest = labels.reduce((max, label) => Math.max(max, label), 0);
  const classes = Array.from({ length: highest + 1 }, (_, label) => String(label));
  return { height, width, channels: 1, classes, train: { pixels, labels }, validation: null, test: null };
}

export const csvImages = datasetFormat({
  name: 'csv-images',
  description: 'a CSV row a sample: pixels row by row, then the label',
  holds: 'images',
  settings: csvImagesSettings,
  read: readCsvImages,
});
