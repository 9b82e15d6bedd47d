/// `filter-mailboxes` (RFC 5465 section 8, RFC 7377 section 3): which mailboxes are meant.
enum MailboxFilter: Equatable, Sendable {
  case selected
  /// The selected mailbox, expunges held back (RFC 5465 section 6.1.2).
  case selectedDelayed
  case inboxes
  case personal
  case subscribed
  case subtree([[UInt8]])
  /// A mailbox and its children, not theirs (RFC 7377 section 2.2).
  case subtreeOne([[UInt8]])
  case mailboxes([[UInt8]])

  var isSelected: Bool { self == .selected || self == .selectedDelayed }

  /// The mailboxes it names, as the client wrote them.
  var names: [[UInt8]] {
    switch self {
    case .subtree(let names), .subtreeOne(let names), .mailboxes(let names): names
    default: []
    }
  }
}

/// The arguments of ESEARCH (RFC 7377).
struct MultiSearchArgument: Equatable, Sendable {
  /// `nil`: the selected mailbox.
  var sources: [MailboxFilter]?
  var search: SearchArgument
}

extension ByteCursor {
  mutating func mailboxFilter() throws(GrammarError) -> MailboxFilter {
    let word = try keyword()
    switch word {
    case "SELECTED": return .selected
    case "SELECTED-DELAYED": return .selectedDelayed
    case "INBOXES": return .inboxes
    case "PERSONAL": return .personal
    case "SUBSCRIBED": return .subscribed
    case "SUBTREE", "SUBTREE-ONE", "MAILBOXES":
      try space()
      let names = try oneOrMoreMailboxes()
      return word == "SUBTREE" ? .subtree(names) : word == "MAILBOXES" ? .mailboxes(names) : .subtreeOne(names)
    default: throw GrammarError("Unknown kind of mailboxes")
    }
  }

  mutating func multiSearch() throws(GrammarError) -> MultiSearchArgument {
    try space()
    var sources: [MailboxFilter]?
    if takeWord("IN") {
      try space()
      try expect(UInt8(ascii: "("))
      var filters: [MailboxFilter] = []
      repeat {
        // No scope option is known.
        guard peek != UInt8(ascii: "(") else { throw GrammarError("Unknown scope option") }
        let filter = try mailboxFilter()
        // RFC 7377 section 2.2: nothing is held back here.
        guard filter != .selectedDelayed else { throw GrammarError("SELECTED-DELAYED belongs to NOTIFY") }
        filters.append(filter)
        guard filters.count <= GrammarLimits.listItems else { throw GrammarError("List too long") }
      } while takeSpaces() && peek != UInt8(ascii: ")")
      try expect(UInt8(ascii: ")"))
      try space()
      sources = filters
    }
    return MultiSearchArgument(sources: sources, search: try searchArgument())
  }

  private mutating func oneOrMoreMailboxes() throws(GrammarError) -> [[UInt8]] {
    guard peek == UInt8(ascii: "(") else { return [try aString()] }
    return try list { (cursor) throws(GrammarError) in try cursor.aString() }
  }
}
