/// What a client wants to hear of unasked (NOTIFY, RFC 5465).
struct NotifyArgument: Equatable, Sendable {
  /// `event` of section 8; names in upper case.
  enum Event: String, CaseIterable, Sendable {
    case messageNew = "MESSAGENEW"
    case messageExpunge = "MESSAGEEXPUNGE"
    case flagChange = "FLAGCHANGE"
    case mailboxName = "MAILBOXNAME"
    case subscriptionChange = "SUBSCRIPTIONCHANGE"
    case mailboxMetadata = "MAILBOXMETADATACHANGE"
    case serverMetadata = "SERVERMETADATACHANGE"

    var isAboutMessages: Bool { self == .messageNew || self == .messageExpunge || self == .flagChange }

    /// All that are supported, as BADEVENT tells them.
    static let list =
      "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange"
  }

  struct Group: Equatable, Sendable {
    var filter: MailboxFilter
    var events: Set<Event>
    /// What to fetch of new messages in the selected mailbox.
    var items: [FetchItem] = []
  }

  /// Empty after NONE.
  var groups: [Group] = []
  /// STATUS: begin with the state of every mailbox.
  var wantsStatus = false
  /// An event that is not supported was named.
  var namesUnknownEvent = false
}

extension ByteCursor {
  /// `nil` for NOTIFY NONE.
  mutating func notify() throws(GrammarError) -> NotifyArgument? {
    try space()
    if takeWord("NONE") {
      try expectEnd()
      return nil
    }
    guard takeWord("SET") else { throw GrammarError("Expected SET or NONE") }
    var argument = NotifyArgument()
    try space()
    if takeWord("STATUS") {
      argument.wantsStatus = true
      try space()
    }
    repeat {
      argument.groups.append(try eventGroup(&argument.namesUnknownEvent))
      guard argument.groups.count <= 100 else { throw GrammarError("Too many event groups") }
    } while takeSpaces() && !isAtEnd
    try expectEnd()
    guard argument.groups.count(where: \.filter.isSelected) <= 1 else {
      throw GrammarError("The selected mailbox may be named once")
    }
    return argument
  }

  private mutating func eventGroup(_ hasUnknown: inout Bool) throws(GrammarError) -> NotifyArgument.Group {
    try expect(UInt8(ascii: "("))
    var group = NotifyArgument.Group(filter: try mailboxFilter(), events: [])
    try space()
    if !takeWord("NONE") {
      var isUnknown = false
      var items: [FetchItem] = []
      let events = try list { (cursor) throws(GrammarError) -> NotifyArgument.Event? in
        let word = try cursor.keyword()
        guard let event = NotifyArgument.Event(rawValue: word) else {
          isUnknown = true
          return nil
        }
        if event == .messageNew, cursor.peek == 0x20, cursor.peek(ahead: 1) == UInt8(ascii: "(") {
          try cursor.space()
          items = try cursor.list { (cursor) throws(GrammarError) in try cursor.fetchItem() }
        }
        return event
      }
      group.events = Set(events.compactMap { $0 })
      group.items = items
      hasUnknown = hasUnknown || isUnknown
    }
    try expect(UInt8(ascii: ")"))
    try check(group)
    return group
  }

  /// What belongs together (RFC 5465 sections 5 and 6.1).
  private func check(_ group: NotifyArgument.Group) throws(GrammarError) {
    let isNew = group.events.contains(.messageNew)
    guard isNew == group.events.contains(.messageExpunge) else {
      throw GrammarError("MessageNew and MessageExpunge go together")
    }
    guard isNew || !group.events.contains(.flagChange) else {
      throw GrammarError("FlagChange needs MessageNew and MessageExpunge")
    }
    if group.filter.isSelected {
      guard group.events.allSatisfy(\.isAboutMessages) else {
        throw GrammarError("The selected mailbox has message events only")
      }
    } else if !group.items.isEmpty {
      throw GrammarError("Only messages of the selected mailbox can be fetched")
    }
  }
}
