/// `fetch-att` (RFC 3501 section 6.4.5).
enum FetchItem: Equatable, Sendable {
  case flags
  case uid
  case internalDate
  case size
  case envelope
  /// BODYSTRUCTURE without extension data.
  case body
  case bodyStructure
  /// MODSEQ (RFC 7162).
  case modSeq
  case rfc822
  case rfc822Header
  case rfc822Text
  case section(SectionArgument, PartialArgument?, peek: Bool)
  /// BINARY (RFC 3516): a part's content without its transfer encoding.
  case binary([UInt32], PartialArgument?, peek: Bool)
  /// BINARY.SIZE.
  case binarySize([UInt32])
  /// EMAILID (RFC 8474).
  case emailID
  /// THREADID (RFC 8474).
  case threadID
  /// SAVEDATE (RFC 8514).
  case saveDate
  /// PREVIEW (RFC 8970).
  case preview

  /// Whether answering sets `\Seen`.
  var setsSeen: Bool {
    switch self {
    case .rfc822, .rfc822Text, .section(_, _, peek: false), .binary(_, _, peek: false): true
    default: false
    }
  }

  /// Whether the message's file is needed.
  var needsContent: Bool {
    switch self {
    case .rfc822, .rfc822Header, .rfc822Text, .section, .binary, .binarySize: true
    default: false
    }
  }
}

/// The arguments of FETCH and UID FETCH.
struct FetchArgument: Equatable, Sendable {
  var set: SequenceSet
  var items: [FetchItem]
  /// CHANGEDSINCE (RFC 7162 section 3.1.4.1).
  var changedSince: UInt64?
  /// VANISHED (RFC 7162 section 3.2.6), only with UID FETCH and CHANGEDSINCE.
  var vanished = false
  /// PARTIAL (RFC 9394 section 3.3); meant for UID FETCH, and other servers take it with numbers as well.
  var partial: ResultRange?
}

extension ByteCursor {
  mutating func fetch(uid: Bool) throws(GrammarError) -> FetchArgument {
    try space()
    let set = try sequenceSet()
    try space()
    var argument = FetchArgument(set: set, items: try fetchItems())
    if takeSpaces(), peek == UInt8(ascii: "(") { try fetchModifiers(into: &argument, uid: uid) }
    try expectEnd()
    return argument
  }

  private mutating func fetchItems() throws(GrammarError) -> [FetchItem] {
    if takeWord("ALL") { return [.flags, .internalDate, .size, .envelope] }
    if takeWord("FAST") { return [.flags, .internalDate, .size] }
    if takeWord("FULL") { return [.flags, .internalDate, .size, .envelope, .body] }
    let items: [FetchItem]
    if peek == UInt8(ascii: "(") {
      items = try list { (cursor) throws(GrammarError) in try cursor.fetchItem() }
    } else {
      items = [try fetchItem()]
    }
    // An item asked for twice is answered once.
    var unique: [FetchItem] = []
    for item in items where !unique.contains(item) { unique.append(item) }
    return unique
  }

  mutating func fetchItem() throws(GrammarError) -> FetchItem {
    let name = String(
      decoding: run { $0.isAtomCharacter && $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "<") }
        .lazy.map(\.asciiUppercased), as: UTF8.self)
    switch name {
    case "FLAGS": return .flags
    case "UID": return .uid
    case "INTERNALDATE": return .internalDate
    case "RFC822.SIZE": return .size
    case "ENVELOPE": return .envelope
    case "BODYSTRUCTURE": return .bodyStructure
    case "MODSEQ": return .modSeq
    case "RFC822": return .rfc822
    case "RFC822.HEADER": return .rfc822Header
    case "RFC822.TEXT": return .rfc822Text
    case "BODY" where peek != UInt8(ascii: "["): return .body
    case "BODY", "BODY.PEEK":
      let section = try section()
      return .section(section, try partial(), peek: name == "BODY.PEEK")
    case "BINARY", "BINARY.PEEK":
      let part = try binarySection()
      return .binary(part, try partial(), peek: name == "BINARY.PEEK")
    case "BINARY.SIZE": return .binarySize(try binarySection())
    case "EMAILID": return .emailID
    case "THREADID": return .threadID
    case "SAVEDATE": return .saveDate
    case "PREVIEW":
      try previewModifiers()
      return .preview
    default: throw GrammarError("Unknown FETCH item")
    }
  }

  /// `SP "(" LAZY ")"` (RFC 8970 section 3.2); previews are kept ready, so that a lazy client gets them as well.
  private mutating func previewModifiers() throws(GrammarError) {
    guard peek == UInt8(ascii: " "), peek(ahead: 1) == UInt8(ascii: "(") else { return }
    let start = position
    position += 1
    let names = try? list { (cursor) throws(GrammarError) in try cursor.keyword() }
    // Behind a single PREVIEW the parenthesis may open FETCH's own modifiers.
    guard let names, names == ["LAZY"] else {
      position = start
      return
    }
  }

  private mutating func fetchModifiers(into argument: inout FetchArgument, uid: Bool) throws(GrammarError) {
    var result = argument
    _ = try list { (cursor) throws(GrammarError) in
      switch try cursor.keyword() {
      case "CHANGEDSINCE":
        try cursor.space()
        result.changedSince = try cursor.number64()
      case "VANISHED" where uid: result.vanished = true
      case "PARTIAL":
        try cursor.space()
        result.partial = try cursor.resultRange()
      default: throw GrammarError("Unknown FETCH modifier")
      }
    }
    guard !result.vanished || result.changedSince != nil else {
      throw GrammarError("VANISHED needs CHANGEDSINCE")
    }
    argument = result
  }
}
