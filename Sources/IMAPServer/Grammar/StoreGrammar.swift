/// The arguments of STORE and UID STORE (RFC 3501 section 6.4.6).
struct StoreArgument: Equatable, Sendable {
  /// How the flags combine with those the message has.
  enum Mode: Equatable, Sendable {
    case replace
    case add
    case remove
  }

  var set: SequenceSet
  var mode: Mode
  /// `.SILENT`: the client does not want to hear the result.
  var silent: Bool
  var flags: FlagArgument
  /// UNCHANGEDSINCE (RFC 7162 section 3.1.3).
  var unchangedSince: UInt64?
}

extension ByteCursor {
  mutating func store() throws(GrammarError) -> StoreArgument {
    try space()
    let set = try sequenceSet()
    try space()
    var unchangedSince: UInt64?
    if take(UInt8(ascii: "(")) {
      guard takeWord("UNCHANGEDSINCE") else { throw GrammarError("Unknown STORE modifier") }
      try space()
      unchangedSince = try number64()
      try expect(UInt8(ascii: ")"))
      try space()
    }
    let word = try keyword()
    try space()
    let (mode, silent): (StoreArgument.Mode, Bool)
    switch word {
    case "FLAGS": (mode, silent) = (.replace, false)
    case "FLAGS.SILENT": (mode, silent) = (.replace, true)
    case "+FLAGS": (mode, silent) = (.add, false)
    case "+FLAGS.SILENT": (mode, silent) = (.add, true)
    case "-FLAGS": (mode, silent) = (.remove, false)
    case "-FLAGS.SILENT": (mode, silent) = (.remove, true)
    default: throw GrammarError("Unknown STORE item")
    }
    let flags = try flags(bare: true)
    try expectEnd()
    return StoreArgument(set: set, mode: mode, silent: silent, flags: flags, unchangedSince: unchangedSince)
  }
}
