/// A text in two languages.
package struct Bilingual: Sendable, Equatable {
  /// English.
  package let english: String
  /// French.
  package let french: String

  init(_ english: String, _ french: String) {
    self.english = english
    self.french = french
  }
}

/// An error text that people meet, why it comes, and what helps (R89).
package struct KnownError: Sendable, Equatable {
  /// A short name, for links and scripts.
  package let name: String
  /// The text as it is known.
  package let text: String
  /// Words of which all of one list must stand in what was pasted, lower case.
  let marks: [[String]]
  /// Why it comes.
  package let cause: Bilingual
  /// What helps.
  package let remedy: Bilingual

  init(_ name: String, _ text: String, marks: [[String]], cause: Bilingual, remedy: Bilingual) {
    self.name = name
    self.text = text
    self.marks = marks
    self.cause = cause
    self.remedy = remedy
  }

  /// Finds what a pasted text speaks of; what fits in most words comes first.
  ///
  ///     KnownError.explain("553 sorry, that domain isn't allowed to be relayed thru this MTA (#5.7.1)")
  package static func explain(_ pasted: String) -> [KnownError] {
    let text = folded(pasted)
    let found = catalogue.compactMap { known -> (KnownError, Int)? in
      let weights = known.marks.filter { $0.allSatisfy { text.contains($0) } }.map { $0.joined().count }
      return weights.max().map { (known, $0) }
    }
    return found.enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map(\.element.0)
  }

  /// Lower case, one blank between words, straight apostrophes, `=` line ends of quoted-printable joined.
  private static func folded(_ text: String) -> String {
    let limited = text.prefix(64 * 1024)
    let joined = limited.replacing("=\r\n", with: "").replacing("=\n", with: "").replacing("=27", with: "'")
    let straight = joined.replacing("\u{2019}", with: "'").replacing("\u{a0}", with: " ").replacing("\n> ", with: " ")
    return straight.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
