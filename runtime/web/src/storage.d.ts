/** Keep a value under a name: a state's bytes, or an object with such bytes. */
export function keep(name: string, value: unknown): Promise<void>;

/** What was kept; undefined where nothing was. */
export function kept(name: string): Promise<any>;

export function forget(name: string): Promise<void>;
