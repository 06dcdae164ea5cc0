// A reporter for node:test that says one thing: which test failed, on a line of JSON after a mark.
export default async function* failures(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:fail' || data.todo !== undefined || data.skip !== undefined) continue;
    const { error } = data.details;
    const cause = error.cause ?? error;
    const failure = {
      test: data.name,
      isAssertion: cause?.code === 'ERR_ASSERTION',
      isTimeout: error.failureType === 'testTimeoutFailure',
      message: String(cause?.message ?? cause).slice(0, 500),
    };
    yield `\n@failure ${JSON.stringify(failure)}\n`;
  }
}
