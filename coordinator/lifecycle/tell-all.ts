/** Tells each listener. What one of them throws is its own fault: it reaches neither the others nor whoever tells. */
export function tellAll<T>(listeners: Iterable<(news: T) => void>, news: T, onFault: (error: unknown) => void): void {
  for (const listener of [...listeners]) {
    try {
      listener(news);
    } catch (error) {
      onFault(error);
    }
  }
}
