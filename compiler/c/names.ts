// Legal C names and comments out of any text: the only place where a user's words become C. In: names of models,
// layers and values. Out: lower-case identifiers that are legal in C and C++ and unique in their scope.
import { hashSeed } from "../support/random.ts";

/** Keywords of C89 to C23 and C++20, and alternative operator spellings. */
const KEYWORDS = `
  alignas alignof and and_eq asm atomic auto bitand bitor bool break case catch char char8_t char16_t char32_t class
  co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default
  delete do double dynamic_cast else entry enum explicit export extern false far float for fortran friend goto huge if
  import inline int interrupt long module mutable namespace near new noexcept not not_eq nullptr operator or or_eq
  override private protected public register reinterpret_cast requires restrict return short signed sizeof static
  static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename typeof
  typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq final`;

/** What stdint.h, stddef.h and the usual compilers predefine, in lower case, and names that generated code uses. */
const RESERVED = `
  null offsetof ptrdiff_t size_t max_align_t intptr_t uintptr_t intmax_t uintmax_t linux unix vax sparc mips arm i386
  errno assert setjmp memcpy memset memmove memcmp main nf state x y i c o p`;

/** Headers that a quoted or -I include must not hide, and file names that Windows keeps for devices. */
const RESERVED_FILES = `
  assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic
  stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar wchar wctype
  memory malloc unistd new version con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt0 lpt1 lpt2
  lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9`;

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== "");
const reservedNames: ReadonlySet<string> = new Set([...words(KEYWORDS), ...words(RESERVED)]);
const reservedFiles: ReadonlySet<string> = new Set([...reservedNames, ...words(RESERVED_FILES)]);

/** Longest identifier made of one user's name; a longer one is cut and told apart by a hash of the whole. */
const LONGEST = 32;

/** Lower-case ASCII words joined by single underscores; never empty, never a leading digit or underscore. */
export function identifierOf(name: string): string {
  const ascii = name
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  const legal = ascii === "" ? "unnamed" : /^[0-9]/.test(ascii) ? `n${ascii}` : ascii;
  if (legal.length <= LONGEST) return legal;
  const hash = (hashSeed(name) >>> 0).toString(16).padStart(8, "0");
  return `${legal.slice(0, LONGEST - 9).replace(/_+$/, "")}_${hash}`;
}

/** Prefix of everything global of a model, also the base name of its files. */
export function prefixOf(modelName: string): string {
  const identifier = identifierOf(modelName);
  // nf_ belongs to the kernels.
  return reservedFiles.has(identifier) || identifier.startsWith("nf_") ? `model_${identifier}` : identifier;
}

/** Whether a name is a keyword, a macro or type of the included headers, or used by the generated code itself. */
function isReserved(identifier: string): boolean {
  return (
    reservedNames.has(identifier) ||
    /^u?int(_least|_fast)?(8|16|32|64)(_t|_c|_max|_min|_width)?$/.test(identifier) ||
    /^(u?int(max|ptr)|ptrdiff|size|wchar|wint|sig_atomic)_(c|t|max|min|width)$/.test(identifier)
  );
}

/** A scope of unique identifiers. */
export interface NameScope {
  /** A legal name for `name` that nobody else got; `kind` is added to it when the plain one is taken or reserved. */
  claim(name: string, kind: string): string;
  /** A legal identifier itself, numbered when it is taken. */
  claimExact(identifier: string): string;
}

/** An empty scope; `taken` are identifiers that nobody may get. */
export function createNameScope(taken: readonly string[] = []): NameScope {
  const used = new Set(taken);
  return {
    claim(name, kind) {
      const identifier = identifierOf(name);
      const plain = identifier.startsWith("nf_") ? `v_${identifier}` : identifier;
      let candidate = plain;
      for (let n = 1; used.has(candidate) || isReserved(candidate); n++)
        candidate = n === 1 ? `${plain}_${kind}` : `${plain}_${kind}_${n}`;
      used.add(candidate);
      return candidate;
    },
    claimExact(identifier) {
      let candidate = identifier;
      for (let n = 2; used.has(candidate); n++) candidate = `${identifier}_${n}`;
      used.add(candidate);
      return candidate;
    },
  };
}
