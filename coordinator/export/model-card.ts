/** The model card that lies beside an exported model (Mitchell et al., 2019, https://arxiv.org/abs/1810.03993). */

import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import { type DatasetSpec, isSynthetic } from '@edgetune/shared/domain/study.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { INPUT_NAME, OUTPUT_NAME } from './export-layers-model.ts';

export interface ModelFacts {
  workload: string;
  dataset: DatasetSpec;
  /** Of the content of the data; absent in cards of before it was known. */
  dataSha256?: string | undefined;
  candidate: Candidate;
  backend: string;
  epochs: number;
  /** After how many of them the model stood that is exported. */
  bestEpoch: number;
  validationAccuracy: number;
  classes: readonly string[];
  metadata: Record<string, string>;
}

export function renderModelCard(facts: ModelFacts): string {
  const { dataset, metadata } = facts;
  const source = isSynthetic(dataset)
    ? `${dataset.format} that EdgeTune drew itself`
    : [dataset.format, dataset.path, facts.dataSha256 && `sha256 ${facts.dataSha256}`].filter(Boolean).join(', ');
  return `# Model card

**What it is.** ${facts.workload}, trained by EdgeTune on ${source}, for ${facts.epochs} epochs with ${facts.backend}${
    facts.bestEpoch === facts.epochs
      ? ''
      : `;
this is the model after epoch ${facts.bestEpoch}, the best of them by validation`
  }.
Accuracy on the validation split, which guided the search: ${formatQuantity(facts.validationAccuracy, 'ratio')}. The accuracy on the
test split stands in the study's report.

**Input.** \`${INPUT_NAME}\`, float32, ${metadata['edgetune.input.layout'] ?? ''} with a dynamic batch: ${metadata['edgetune.preprocessing'] ?? 'as in training'}.
${Object.entries(metadata)
  .filter(([key]) => key.startsWith('edgetune.normalisation.') || key.startsWith('edgetune.input.'))
  .map(([key, value]) => `- ${key.replace('edgetune.', '')}: ${value}`)
  .join('\n')}

**Output.** \`${OUTPUT_NAME}\`: a logit per class; the largest wins, softmax gives probabilities. Classes, in order: ${facts.classes.join(', ')}.

**Parameters.** ${Object.entries(facts.candidate)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}.

**Limits.** It knows only the classes above and data like those that it was trained on. It was not checked for bias.
`;
}
