/// The arguments of LIST (RFC 3501 section 6.3.8, RFC 5258, RFC 5819, RFC 6154, RFC 8440, RFC 9590).
struct ListArgument: Equatable, Sendable {
  /// Which mailboxes are wanted.
  enum Selection: String, CaseIterable, Sendable {
    case subscribed = "SUBSCRIBED"
    case remote = "REMOTE"
    case recursiveMatch = "RECURSIVEMATCH"
    case specialUse = "SPECIAL-USE"
  }

  /// What is said of each.
  enum Return: String, CaseIterable, Sendable {
    case subscribed = "SUBSCRIBED"
    case children = "CHILDREN"
    case specialUse = "SPECIAL-USE"
    /// MYRIGHTS of each (RFC 8440).
    case rights = "MYRIGHTS"
  }

  var reference: [UInt8]
  var patterns: [[UInt8]]
  var selection: Set<Selection> = []
  var returns: Set<Return> = []
  var status: [StatusItem]?
  /// Entries to tell of each (RFC 9590).
  var metadata: [String]?
  /// Whether any part of RFC 5258's syntax was used.
  var isExtended = false
}

extension ByteCursor {
  mutating func listCommand() throws(GrammarError) -> ListArgument {
    var argument = ListArgument(reference: [], patterns: [])
    try space()
    if peek == UInt8(ascii: "(") {
      argument.isExtended = true
      argument.selection = try listSelection()
      try space()
    }
    argument.reference = try aString()
    try space()
    if peek == UInt8(ascii: "(") {
      argument.isExtended = true
      argument.patterns = try list { (cursor) throws(GrammarError) in try cursor.listMailbox() }
    } else {
      argument.patterns = [try listMailbox()]
    }
    if takeSpaces(), takeWord("RETURN") {
      argument.isExtended = true
      try space()
      try listReturns(into: &argument)
    }
    try expectEnd()
    return argument
  }

  mutating func lsub() throws(GrammarError) -> ListArgument {
    try space()
    let reference = try aString()
    try space()
    let argument = ListArgument(reference: reference, patterns: [try listMailbox()])
    try expectEnd()
    return argument
  }

  private mutating func listSelection() throws(GrammarError) -> Set<ListArgument.Selection> {
    let words = try list(allowEmpty: true) { (cursor) throws(GrammarError) in try cursor.keyword() }
    var result: Set<ListArgument.Selection> = []
    for word in words {
      guard let option = ListArgument.Selection(rawValue: word) else { throw GrammarError("Unknown LIST option") }
      result.insert(option)
    }
    // RFC 5258 section 3.1: RECURSIVEMATCH needs an option it can recurse for.
    guard !result.contains(.recursiveMatch) || !result.isDisjoint(with: [.subscribed, .specialUse]) else {
      throw GrammarError("RECURSIVEMATCH needs another selection option")
    }
    return result
  }

  private mutating func listReturns(into argument: inout ListArgument) throws(GrammarError) {
    var result = argument
    _ = try list(allowEmpty: true) { (cursor) throws(GrammarError) in
      let word = try cursor.keyword()
      if word == "STATUS" {
        try cursor.space()
        result.status = try cursor.statusItems()
      } else if word == "METADATA" {
        try cursor.space()
        result.metadata = try cursor.metadataEntries()
      } else if let option = ListArgument.Return(rawValue: word) {
        result.returns.insert(option)
      } else {
        throw GrammarError("Unknown LIST return option")
      }
    }
    argument = result
  }
}
