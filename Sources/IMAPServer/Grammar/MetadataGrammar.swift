/// The arguments of GETMETADATA (RFC 5464 section 4.2).
struct MetadataQuery: Equatable, Sendable {
  /// Which entries below the named ones are wanted.
  enum Depth: String, Sendable {
    case zero = "0"
    case one = "1"
    case infinity = "INFINITY"
  }

  /// Empty for the account's own entries.
  var mailbox: [UInt8]
  /// Lower case.
  var entries: [String]
  var depth = Depth.zero
  /// Largest value wanted, in octets.
  var maximumSize: UInt32?

  /// Whether an entry is one of those asked for.
  func wants(_ entry: String) -> Bool {
    entries.contains { wanted in
      if entry == wanted { return true }
      guard depth != .zero, entry.hasPrefix(wanted), entry.utf8.dropFirst(wanted.utf8.count).first == 0x2f else {
        return false
      }
      return depth == .infinity || !entry.utf8.dropFirst(wanted.utf8.count + 1).contains(0x2f)
    }
  }
}

/// One entry of SETMETADATA; `nil` removes it.
struct MetadataChange: Equatable, Sendable {
  var entry: String
  var value: [UInt8]?
}

extension ByteCursor {
  /// The options may stand before the mailbox, as in the grammar, or behind it, as in the RFC's examples.
  mutating func metadataQuery() throws(GrammarError) -> MetadataQuery {
    try space()
    var query = MetadataQuery(mailbox: [], entries: [])
    if peek == UInt8(ascii: "(") {
      try metadataOptions(into: &query)
      try space()
    }
    query.mailbox = try aString()
    try space()
    if peek == UInt8(ascii: "("), startsMetadataOptions {
      try metadataOptions(into: &query)
      try space()
    }
    query.entries = try metadataEntries()
    try expectEnd()
    return query
  }

  /// `"(" entry-value *(SP entry-value) ")"`.
  mutating func metadataChanges() throws(GrammarError) -> [MetadataChange] {
    let changes = try list { (cursor) throws(GrammarError) in
      let entry = try cursor.metadataEntry()
      try cursor.space()
      return MetadataChange(entry: entry, value: try cursor.nString8())
    }
    try expectEnd()
    return changes
  }

  /// One entry, or several in parentheses.
  mutating func metadataEntries() throws(GrammarError) -> [String] {
    guard peek == UInt8(ascii: "(") else { return [try metadataEntry()] }
    return try list { (cursor) throws(GrammarError) in try cursor.metadataEntry() }
  }

  private var startsMetadataOptions: Bool {
    var ahead = self
    _ = ahead.take(UInt8(ascii: "("))
    return ahead.takeWord("DEPTH") || ahead.takeWord("MAXSIZE")
  }

  private mutating func metadataOptions(into query: inout MetadataQuery) throws(GrammarError) {
    var result = query
    _ = try list { (cursor) throws(GrammarError) in
      let name = try cursor.keyword()
      try cursor.space()
      switch name {
      case "MAXSIZE": result.maximumSize = try cursor.number()
      case "DEPTH":
        guard let depth = MetadataQuery.Depth(rawValue: try cursor.keyword()) else {
          throw GrammarError("DEPTH is 0, 1 or infinity")
        }
        result.depth = depth
      default: throw GrammarError("Unknown GETMETADATA option")
      }
    }
    query = result
  }

  /// `entry`: `/private/…` or `/shared/…` in any case (RFC 5464 section 3.2); in lower case.
  private mutating func metadataEntry() throws(GrammarError) -> String {
    let octets = try aString()
    let entry = String(decoding: octets.lazy.map(\.asciiLowercased), as: UTF8.self)
    let isPlain = octets.allSatisfy {
      $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "%")
    }
    let levels = entry.split(separator: "/", omittingEmptySubsequences: false)
    guard isPlain, octets.count <= 1024, levels.count >= 2, levels[0].isEmpty, !levels.dropFirst().contains(""),
      levels[1] == "private" || levels[1] == "shared"
    else {
      throw GrammarError("Invalid metadata entry; it begins with /private/ or /shared/")
    }
    return entry
  }

  /// `nstring` or `literal8`.
  private mutating func nString8() throws(GrammarError) -> [UInt8]? {
    if peek == UInt8(ascii: "~"), peek(ahead: 1) == UInt8(ascii: "{") {
      position += 1
      return try literalOctets(allowNUL: true)
    }
    return try nString()
  }
}
