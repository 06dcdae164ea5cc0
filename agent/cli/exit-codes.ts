/** Exit codes of the agent's commands for what went wrong. */
export const EXIT = { failed: 1, usage: 2, removed: 3 } as const;
