// What the templates print: everything decided, only loops and simple ifs left to them.

/** A parameter or port of an instance. */
export interface Binding {
  readonly name: string;
  readonly value: string;
}

export interface InstancePlan {
  readonly module: string;
  readonly instance: string;
  readonly parameters: readonly Binding[];
  readonly ports: readonly Binding[];
}

/** A wire; `range` is padded and empty for one bit. */
export interface WirePlan {
  readonly range: string;
  readonly name: string;
}

/** One banner of the top module. */
export interface SectionPlan {
  readonly banner: readonly string[];
  readonly wires: readonly WirePlan[];
  readonly instances: readonly InstancePlan[];
}

export interface PortPlan {
  readonly direction: string;
  readonly range: string;
  readonly name: string;
  /** A comma, but not after the last one. */
  readonly end: string;
}

export interface TopPlan {
  readonly top: string;
  /** Comment lines. */
  readonly header: readonly string[];
  readonly ports: readonly PortPlan[];
  /** No memory images: `MEM_DIR` is kept so that every top module is used alike. */
  readonly weightless: boolean;
  readonly sections: readonly SectionPlan[];
}

/** A stream of the top module whose beats a tap reports. */
export interface TapPlan {
  readonly index: number;
  readonly comment: string;
  readonly instance: string;
  readonly stream: string;
  readonly elements: number;
  readonly lanes: number;
  readonly width: number;
  /** "1" or "0". */
  readonly signed: string;
  /** Beats of one packet. */
  readonly words: number;
}
