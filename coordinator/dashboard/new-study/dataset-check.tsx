/** A look at the data before anything is trained: what a study would read, what was assumed, and what looks wrong. */
import { type DatasetReport, datasetReportSchema, datasetText } from '@edgetune/shared/domain/dataset-report.ts';
import { useSignal } from '@preact/signals';
import { answerOf, sendJson } from '../api/client.ts';
import { ErrorText } from '../components/dialog.tsx';
import { valueAt } from '../components/draft.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { useAction } from '../components/use-action.ts';
import { announce } from '../state/announce.ts';

const SHOWN_CLASSES = 40;

export function DatasetCheck({ fields }: { fields: Record<string, unknown> }) {
  /** What was looked at, and what was found. */
  const seen = useSignal<{ asked: string; report: DatasetReport } | null>(null);
  const asked = { dataset: valueAt(fields, ['dataset']), workload: valueAt(fields, ['workload']) };
  const key = JSON.stringify(asked);
  const look = useAction(async () => {
    seen.value = null;
    const report = await answerOf(await sendJson('POST', '/api/datasets/check', asked), datasetReportSchema);
    seen.value = { asked: key, report };
    announce(`The data were read: ${datasetText(report)}`);
  });
  const report = seen.value?.asked === key ? seen.value.report : null;
  return (
    <section aria-label="Check of the data">
      <button type="button" disabled={look.busy.value} onClick={look.run}>
        {look.busy.value ? 'Reading the data …' : 'Check the data'}
      </button>
      <ErrorText text={look.error.value} />
      {report && <Report report={report} />}
    </section>
  );
}

function Report({ report }: { report: DatasetReport }) {
  const { notices, shape, range, sha256, samples } = report;
  return (
    <>
      <p>{datasetText(report)}</p>
      <p>
        {shape}
        {range === null ? '' : `; ${range}`}. sha256 <code>{sha256}</code>
      </p>
      {notices.length > 0 && (
        <ul>
          {notices.map(({ level, message }) => (
            <li key={message}>
              {level === 'warning' ? <strong>Warning: </strong> : ''}
              {message}
            </li>
          ))}
        </ul>
      )}
      <Counts report={report} />
      <div class="samples">
        {samples.map(({ label, origin, png, text, split }) => (
          <figure key={`${split} ${origin}`} title={`${origin}, ${split}`}>
            {png === undefined ? <blockquote>{text}</blockquote> : <img alt="" src={`data:image/png;base64,${png}`} />}
            <figcaption>{label}</figcaption>
          </figure>
        ))}
      </div>
    </>
  );
}

function Counts({ report: { classes, samplesByClass, cut } }: { report: DatasetReport }) {
  const splits = ['train', 'validation', 'test'] as const;
  const isCut = (split: (typeof splits)[number]) => split !== 'train' && cut.includes(split);
  return (
    <ScrollRegion label="Samples by class">
      <table>
        <caption class="hidden">Samples by class</caption>
        <thead>
          <tr>
            <th scope="col">Class</th>
            {splits.map((split) => (
              <th key={split} scope="col" class="number">
                {split}
                {isCut(split) ? ' (cut)' : ''}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.slice(0, SHOWN_CLASSES).map((name, label) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {splits.map((split) => (
                <td key={split} class="number">
                  {samplesByClass[split][label]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {classes.length > SHOWN_CLASSES && <p>… and {classes.length - SHOWN_CLASSES} classes more</p>}
    </ScrollRegion>
  );
}
