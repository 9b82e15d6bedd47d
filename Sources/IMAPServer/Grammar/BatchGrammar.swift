/// The arguments of UIDBATCHES (RFC 10022).
struct UIDBatchesArgument: Equatable, Sendable {
  /// Which batches, counted from the newest messages.
  struct Batches: Equatable, Sendable {
    var first: UInt32
    var last: UInt32
  }

  /// Messages in one batch.
  var size: UInt32
  /// `nil`: all.
  var range: Batches?
}

extension ByteCursor {
  mutating func uidBatches() throws(GrammarError) -> UIDBatchesArgument {
    try space()
    var argument = UIDBatchesArgument(size: try nonZeroNumber())
    if takeSpaces(), !isAtEnd {
      let first = try nonZeroNumber()
      try expect(UInt8(ascii: ":"))
      argument.range = UIDBatchesArgument.Batches(first: first, last: try nonZeroNumber())
    }
    try expectEnd()
    return argument
  }
}
