/// The arguments of SELECT and EXAMINE (RFC 3501 section 6.3.1, RFC 7162 section 3.2.5).
struct SelectArgument: Equatable, Sendable {
  /// Message numbers and the UIDs that belonged to them.
  struct SequenceMatch: Equatable, Sendable {
    var numbers: SequenceSet
    var uids: SequenceSet
  }

  /// What a client that comes back remembers.
  struct QuickResync: Equatable, Sendable {
    var uidValidity: UInt32
    var modSeq: UInt64
    var knownUIDs: SequenceSet?
    /// Message numbers and their UIDs, pairwise.
    var sequenceMatch: SequenceMatch?
  }

  var mailbox: [UInt8]
  var condStore = false
  var quickResync: QuickResync?
}

extension ByteCursor {
  mutating func select() throws(GrammarError) -> SelectArgument {
    try space()
    var argument = SelectArgument(mailbox: try aString())
    if takeSpaces(), peek == UInt8(ascii: "(") {
      var result = argument
      _ = try list { (cursor) throws(GrammarError) in
        switch try cursor.keyword() {
        case "CONDSTORE": result.condStore = true
        case "QRESYNC":
          try cursor.space()
          result.quickResync = try cursor.quickResync()
        default: throw GrammarError("Unknown SELECT parameter")
        }
      }
      argument = result
    }
    try expectEnd()
    return argument
  }

  private mutating func quickResync() throws(GrammarError) -> SelectArgument.QuickResync {
    try expect(UInt8(ascii: "("))
    let uidValidity = try nonZeroNumber()
    try space()
    var result = SelectArgument.QuickResync(uidValidity: uidValidity, modSeq: try number64())
    if takeSpaces() {
      if peek != UInt8(ascii: "(") {
        result.knownUIDs = try knownSet()
        if takeSpaces() { result.sequenceMatch = try sequenceMatch() }
      } else {
        result.sequenceMatch = try sequenceMatch()
      }
    }
    try expect(UInt8(ascii: ")"))
    return result
  }

  private mutating func sequenceMatch() throws(GrammarError) -> SelectArgument.SequenceMatch {
    try expect(UInt8(ascii: "("))
    let numbers = try knownSet()
    try space()
    let uids = try knownSet()
    try expect(UInt8(ascii: ")"))
    return SelectArgument.SequenceMatch(numbers: numbers, uids: uids)
  }

  /// `known-uids`: a sequence set without `*` and `$`.
  private mutating func knownSet() throws(GrammarError) -> SequenceSet {
    let set = try sequenceSet()
    guard !set.isSavedResult, set.elements.allSatisfy({ $0.first != nil && $0.last != nil }) else {
      throw GrammarError("'*' is not allowed here")
    }
    return set
  }
}
