/** How well a recommended model tells the classes of its test split apart. */
import { CLASS_COLUMNS, classRows, MOST_IN_MATRIX } from '@edgetune/shared/domain/class-scores-text.ts';
import type { Confusion } from '@edgetune/shared/domain/classification.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';

export function ClassScores({ model: { trialId, classes, scores } }: { model: RecommendedModel }) {
  if (!classes || !scores) return null;
  const { confusion } = scores.test;
  return (
    <details>
      <summary>
        Class by class, on the test split<span class="hidden"> of trial {trialId}</span>
      </summary>
      <ScrollRegion label={`Classes of trial ${trialId}`}>
        <table>
          <caption class="hidden">Precision and recall of trial {trialId} for each class</caption>
          <thead>
            <tr>
              {CLASS_COLUMNS.map((title, index) => (
                <th key={title} scope="col" class={isNumber(index) ? 'number' : undefined}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {classRows(classes, scores.test).map(([name, ...cells]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {cells.map((cell, index) => (
                  <td key={CLASS_COLUMNS[index + 1]} class={isNumber(index + 1) ? 'number' : undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollRegion>
      {classes.length <= MOST_IN_MATRIX && <Matrix trialId={trialId} classes={classes} confusion={confusion} />}
    </details>
  );
}

/** All columns between the class and what it is taken for. */
const isNumber = (index: number) => index > 0 && index < CLASS_COLUMNS.length - 1;

function Matrix(props: { trialId: number; classes: readonly string[]; confusion: Confusion }) {
  const { trialId, classes, confusion } = props;
  return (
    <ScrollRegion label={`Confusion matrix of trial ${trialId}`}>
      <table class="matrix">
        <caption>Samples by their class (rows) and by what the model answers (columns)</caption>
        <thead>
          <tr>
            <td />
            {classes.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {confusion.map((row, label) => (
            <tr key={classes[label]}>
              <th scope="row">{classes[label]}</th>
              {row.map((count, answer) => (
                <td key={classes[answer]} class="number" style={`--share: ${shareOf(count, row)}`}>
                  {count}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

/** In percent of the class, by which a cell is shaded. */
function shareOf(count: number, row: readonly number[]): string {
  const samples = row.reduce((sum, each) => sum + each, 0);
  return `${samples === 0 ? 0 : Math.round((100 * count) / samples)}%`;
}
