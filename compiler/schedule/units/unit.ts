// Control logic of hardware modules, without data. What a unit tells the network that steps it.

/**
 * The handshakes of one module, cycle by cycle. It has `inputs` streams in and `outputs` streams out, in the order of
 * the module's ports. Whether an output is valid is registered; whether an input is ready may depend on the receivers
 * and on what its other inputs are offered, in the same cycle.
 */
export interface Unit {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether a beat stands at an output. */
  valid(output: number): boolean;
  /** Whether a beat at an input would be taken: by what the receivers of the outputs and the senders of the inputs do. */
  ready(receivers: readonly boolean[], offered: readonly boolean[], input: number): boolean;
  /** A clock edge: the inputs at which a beat came in and the outputs at which one went out. */
  step(take: readonly boolean[], give: readonly boolean[]): void;
  /**
   * How many coming edges, at each of which the same beats move, leave everything as it is that can be seen from outside:
   * after none of them does `valid` or `ready` answer otherwise, whatever its neighbours do. A unit without this may change
   * at every edge.
   */
  quiet?(take: readonly boolean[], give: readonly boolean[]): number;
  /** That many such edges at once; a unit with `quiet` has this too. */
  skip?(take: readonly boolean[], give: readonly boolean[], edges: number): void;
  /** Everything that decides what happens next. */
  state(): string;
}
