/**
 * How much of a convolution's work is done on padding. CPU runtimes compute a convolution as one product of matrices per
 * sample and group: `filters` rows × `positions` columns. MLAS, ONNX Runtime's library, computes 16 columns at a time
 * whether they are all there or not, and deals columns out to threads 16 at a time (`MlasSgemmCopyPackB` and
 * `MLAS_SGEMM_STRIDEN_THREAD_ALIGN` in onnxruntime/core/mlas/lib/sgemm.cpp; `MlasConvPrepare` in convolve.cpp): on 7 × 7
 * pixels a quarter of the columns is padding, on 32 × 32 none, and of 14 × 14 four threads get 64, 64, 64 and 4.
 */
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';

const TILE_COLUMNS = 16;

type Product = Pick<FusedKernel, 'filters' | 'positions' | 'products' | 'unfoldedBytes'>;

const tiled = (columns: number) => Math.ceil(columns / TILE_COLUMNS) * TILE_COLUMNS;

/** Products with more rows than columns are split among threads by rows; a 1 × 1 convolution of several products by product. */
function splitsColumns({ filters, positions, products, unfoldedBytes }: Product): boolean {
  return filters <= positions && (unfoldedBytes > 0 || products === 1);
}

/** Work with padding ÷ work without, on the thread that has most to do; 1 for kernels that are no product of matrices. */
export function paddingFactor(kernel: Product, threads: number): number {
  const { positions } = kernel;
  if (positions === 0) return 1;
  if (!splitsColumns(kernel)) return tiled(positions) / positions;
  return (tiled(Math.ceil(positions / threads)) * threads) / positions;
}

/** Whether one thread unfolds the input for all: what `MlasConvPrepare` does where there are more filters than positions. */
export function unfoldsAlone({ filters, positions }: Pick<Product, 'filters' | 'positions'>): boolean {
  return filters > positions;
}
