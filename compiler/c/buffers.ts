// Memory for the tensors between stages. In: their types, sizes and life times. Out: arrays of the state struct that
// tensors share when they are never alive together.
import type { CType } from "./types.ts";

export interface Tensor {
  readonly name: string;
  readonly type: CType;
  readonly elements: number;
  /** Index of the stage that writes it. */
  readonly from: number;
  /** Index of the last stage that reads it; `from` when none does. */
  readonly to: number;
  /** Tensors that the stage that writes this one may overwrite, as they are read for the last time there. */
  readonly overwrites: readonly string[];
}

export interface Buffer {
  /** Member of the state struct. */
  readonly member: string;
  readonly type: CType;
  readonly elements: number;
  /** Names of the tensors that live here, in order of time. */
  readonly tensors: readonly string[];
}

export interface BufferPlan {
  /** Members of the struct, widest type first: no padding between them. */
  readonly buffers: readonly Buffer[];
  /** Member by tensor name. */
  readonly memberOf: ReadonlyMap<string, string>;
  /** sizeof the struct where a type is aligned to its size. */
  readonly bytes: number;
}

/** Whether two tensors may share an array: one is dead before the other is written, or is overwritten by it. */
function mayShare(a: Tensor, b: Tensor): boolean {
  if (a.from > b.from) return mayShare(b, a);
  return a.to < b.from || (a.to === b.from && b.overwrites.includes(a.name));
}

/** Gives every tensor the free array of its type that wastes least; the largest tensors choose first. */
export function planBuffers(tensors: readonly Tensor[]): BufferPlan {
  const slots: { type: CType; elements: number; tensors: Tensor[] }[] = [];
  const bySize = [...tensors].sort((a, b) => b.elements - a.elements || a.from - b.from);
  for (const tensor of bySize) {
    const free = slots.find(
      (slot) => slot.type === tensor.type && slot.tensors.every((other) => mayShare(tensor, other)),
    );
    if (free) free.tensors.push(tensor);
    else slots.push({ type: tensor.type, elements: tensor.elements, tensors: [tensor] });
  }
  slots.sort(
    (a, b) =>
      b.type.bytes - a.type.bytes || (a.type.short < b.type.short ? -1 : 1) * Number(a.type !== b.type),
  );
  const counts = new Map<string, number>();
  const memberOf = new Map<string, string>();
  const buffers = slots.map(({ type, elements, tensors: living }): Buffer => {
    const n = counts.get(type.short) ?? 0;
    counts.set(type.short, n + 1);
    const member = `${type.short}_${n}`;
    const inOrder = [...living].sort((a, b) => a.from - b.from);
    for (const tensor of inOrder) memberOf.set(tensor.name, member);
    return { member, type, elements, tensors: inOrder.map((t) => t.name) };
  });
  const alignment = Math.max(1, ...buffers.map((b) => b.type.bytes));
  const used = buffers.reduce((sum, b) => sum + b.elements * b.type.bytes, 0);
  // A struct without members is not C: an empty one holds one byte.
  const bytes = buffers.length === 0 ? 1 : Math.ceil(used / alignment) * alignment;
  return { buffers, memberOf, bytes };
}
