/// The flags of a STORE, APPEND or SEARCH as the client named them.
struct FlagArgument: Equatable, Sendable {
  /// The system flags a client may set (RFC 3501 section 2.3.2); `\Recent` is not among them.
  enum System: String, CaseIterable, Sendable {
    case answered = "\\Answered"
    case flagged = "\\Flagged"
    case deleted = "\\Deleted"
    case seen = "\\Seen"
    case draft = "\\Draft"
  }

  var system: Set<System> = []
  /// Keywords in the client's spelling, each once whatever its case.
  var keywords: [String] = []
}

extension ByteCursor {
  /// `flag-list`, or flags without parentheses where `bare` allows them (STORE).
  mutating func flags(bare: Bool) throws(GrammarError) -> FlagArgument {
    var result = FlagArgument()
    if peek == UInt8(ascii: "(") || !bare {
      for flag in try list(allowEmpty: true, { (cursor) throws(GrammarError) in try cursor.flag() }) {
        ByteCursor.add(flag, to: &result)
      }
      return result
    }
    repeat { ByteCursor.add(try flag(), to: &result) } while takeSpaces() && !isAtEnd
    return result
  }

  private enum Flag {
    case system(FlagArgument.System)
    case keyword(String)
  }

  private static func add(_ flag: Flag, to result: inout FlagArgument) {
    switch flag {
    case .system(let system): result.system.insert(system)
    case .keyword(let name):
      let folded = name.lowercased()
      if !result.keywords.contains(where: { $0.lowercased() == folded }) { result.keywords.append(name) }
    }
  }

  private mutating func flag() throws(GrammarError) -> Flag {
    guard take(UInt8(ascii: "\\")) else { return .keyword(try flagKeyword()) }
    let name = "\\" + (try keyword())
    guard let system = FlagArgument.System.allCases.first(where: { $0.rawValue.uppercased() == name }) else {
      throw GrammarError(name == "\\RECENT" ? "\\Recent cannot be changed" : "Unknown system flag")
    }
    return .system(system)
  }

  /// `flag-keyword`: an atom, its case kept.
  mutating func flagKeyword() throws(GrammarError) -> String {
    let atom = run { $0.isAtomCharacter }
    guard !atom.isEmpty else { throw GrammarError("Missing flag at octet \(position)") }
    guard atom.count <= GrammarLimits.keywordLength else { throw GrammarError("Keyword too long") }
    return String(decoding: atom, as: UTF8.self)
  }
}
