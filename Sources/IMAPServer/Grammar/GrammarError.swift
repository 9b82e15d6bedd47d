/// Why a command could not be read; the session answers `BAD` with the text.
struct GrammarError: Error, Equatable {
  /// A human sentence, plain ASCII, without line ends.
  let text: String

  init(_ text: String) { self.text = text }

  static let tooDeep = GrammarError("Too many nested parentheses, NOTs or ORs")
}

/// Bounds inside one command, independent of its length in octets.
enum GrammarLimits {
  /// Nesting of search keys and section parts.
  static let depth = 100
  /// Search keys in one program.
  static let searchKeys = 1000
  /// Ranges in one sequence set.
  static let sequenceRanges = 16_384
  /// Items in one FETCH, header names in one section.
  static let listItems = 1000
  /// Octets in one keyword.
  static let keywordLength = 255
}
