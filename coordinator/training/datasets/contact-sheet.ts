/** Samples with their labels on one picture, to be looked at: SVG, or PNG drawn of it. */
import type { DatasetReport, DatasetSample } from '@edgetune/shared/domain/dataset-report.ts';

const [TILE, GAP, LINE] = [104, 12, 16];
const COLUMNS = 8;
const LABEL_LENGTH = 17;
const TEXT_LENGTH = 110;

const escaped = (text: string) =>
  text.replaceAll(/[<>&"]/g, (char) => `&#${char.codePointAt(0)};`).replaceAll(/\p{Cc}/gu, ' ');
const short = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Tiles of pictures, or lines of texts. */
export function contactSheet({
  samples,
  format,
  classes,
}: Pick<DatasetReport, 'samples' | 'format' | 'classes'>): string {
  const isOfTexts = samples.every(({ png }) => png === undefined);
  const columns = isOfTexts ? 1 : Math.min(COLUMNS, Math.max(1, samples.length));
  const [width, height] = isOfTexts ? [COLUMNS * TILE, LINE + 6] : [TILE, TILE + LINE];
  const rows = Math.ceil(samples.length / columns);
  const [wide, high] = [columns * (width + GAP) + GAP, rows * (height + GAP) + 2 * GAP + LINE];
  const tiles = samples.map((sample, index) => {
    const [x, y] = [
      GAP + (index % columns) * (width + GAP),
      2 * GAP + LINE + Math.floor(index / columns) * (height + GAP),
    ];
    return isOfTexts ? textLine(sample, x, y) : tile(sample, x, y);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${high}" viewBox="0 0 ${wide} ${high}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${GAP}" y="${GAP + LINE - 4}">${escaped(format)}: samples of ${new Set(samples.map(({ label }) => label)).size} of ${classes.length} classes</text>`,
    ...tiles,
    '</svg>',
  ].join('\n');
}

function tile({ png, label, split, origin }: DatasetSample, x: number, y: number): string {
  const called = split === 'train' ? label : `${label} (${split})`;
  return `<g><title>${escaped(origin)}</title><image x="${x}" y="${y}" width="${TILE}" height="${TILE}" href="data:image/png;base64,${png}"/><text x="${x}" y="${y + TILE + LINE - 3}">${escaped(short(called, LABEL_LENGTH))}</text></g>`;
}

function textLine({ text = '', label }: DatasetSample, x: number, y: number): string {
  return `<text x="${x}" y="${y + LINE}"><tspan font-weight="bold">${escaped(short(label, LABEL_LENGTH))}</tspan> ${escaped(short(text, TEXT_LENGTH))}</text>`;
}
