/// Reads one whole command: tag, name, arguments.
struct CommandParser {
  /// What a command line turned out to be.
  struct Parsed {
    var tag: [UInt8]
    var command: Result<Command, GrammarError>
  }

  /// Reads a command of which every literal is present.
  ///
  /// - Throws: `GrammarError` when not even a tag can be read.
  static func parse(_ bytes: [UInt8]) throws(GrammarError) -> Parsed {
    var cursor = ByteCursor(bytes)
    let tag = try cursor.tag()
    do throws(GrammarError) {
      try cursor.space()
      let name = try cursor.keyword()
      return Parsed(tag: tag, command: .success(try command(name, &cursor)))
    } catch {
      return Parsed(tag: tag, command: .failure(error))
    }
  }

  /// The tag and the upper-case name of a command of which perhaps only the first line is known.
  static func name(of line: [UInt8]) -> (tag: [UInt8], name: String)? {
    var cursor = ByteCursor(line)
    guard let tag = try? cursor.tag() else { return nil }
    guard cursor.take(UInt8(ascii: " ")), let name = try? cursor.keyword() else { return (tag, "") }
    return (tag, name)
  }

  private static func command(_ name: String, _ cursor: inout ByteCursor) throws(GrammarError) -> Command {
    if let command = plainCommand(name) {
      try cursor.expectEnd()
      return command
    }
    switch name {
    case "UID": return try uidCommand(&cursor)
    case "LOGIN", "AUTHENTICATE", "ID", "ENABLE", "COMPRESS": return try sessionCommand(name, &cursor)
    case "LANGUAGE": return .language(try languages(&cursor))
    case "FETCH": return .fetch(try cursor.fetch(uid: false), uid: false)
    case "STORE": return .store(try cursor.store(), uid: false)
    case "SEARCH": return .search(try cursor.search(), uid: false)
    case "ESEARCH": return .multiSearch(try cursor.multiSearch())
    case "UIDBATCHES": return .uidBatches(try cursor.uidBatches())
    case "CANCELUPDATE": return .cancelUpdates(try tags(&cursor))
    case "SORT": return .sort(try cursor.sort(), uid: false)
    case "THREAD": return .thread(try cursor.thread(), uid: false)
    case "COPY", "MOVE": return try copyOrMove(name, &cursor, uid: false)
    default: return try mailboxCommand(name, &cursor)
    }
  }

  private static func plainCommand(_ name: String) -> Command? {
    switch name {
    case "CAPABILITY": .capability
    case "NOOP": .noop
    case "LOGOUT": .logout
    case "STARTTLS": .startTLS
    case "NAMESPACE": .namespace
    case "IDLE": .idle
    case "CHECK": .check
    case "CLOSE": .close
    case "UNSELECT": .unselect
    case "EXPUNGE": .expunge(uids: nil)
    case "UNAUTHENTICATE": .unauthenticate
    default: nil
    }
  }

  private static func uidCommand(_ cursor: inout ByteCursor) throws(GrammarError) -> Command {
    try cursor.space()
    switch try cursor.keyword() {
    case "FETCH": return .fetch(try cursor.fetch(uid: true), uid: true)
    case "STORE": return .store(try cursor.store(), uid: true)
    case "SEARCH": return .search(try cursor.search(), uid: true)
    case "SORT": return .sort(try cursor.sort(), uid: true)
    case "THREAD": return .thread(try cursor.thread(), uid: true)
    case "COPY": return try copyOrMove("COPY", &cursor, uid: true)
    case "MOVE": return try copyOrMove("MOVE", &cursor, uid: true)
    case "EXPUNGE":
      try cursor.space()
      let set = try cursor.sequenceSet()
      try cursor.expectEnd()
      return .expunge(uids: set)
    default: throw GrammarError("Unknown UID command")
    }
  }

  private static func copyOrMove(_ name: String, _ cursor: inout ByteCursor, uid: Bool) throws(GrammarError) -> Command
  {
    try cursor.space()
    let set = try cursor.sequenceSet()
    try cursor.space()
    let mailbox = try cursor.aString()
    try cursor.expectEnd()
    return name == "COPY" ? .copy(set, to: mailbox, uid: uid) : .move(set, to: mailbox, uid: uid)
  }

  private static func sessionCommand(_ name: String, _ cursor: inout ByteCursor) throws(GrammarError) -> Command {
    try cursor.space()
    let command: Command
    switch name {
    case "LOGIN":
      let user = try cursor.credential()
      try cursor.space()
      command = .login(user: user, password: try cursor.credential())
    case "AUTHENTICATE":
      let mechanism = try cursor.keyword()
      // SASL-IR (RFC 4959): one base64 argument, or "=" for an empty response.
      let initial = cursor.take(UInt8(ascii: " ")) ? Array(cursor.run { $0 > 0x20 && $0 < 0x7f }) : nil
      command = .authenticate(mechanism: mechanism, initialResponse: initial)
    case "COMPRESS":
      command = .compress(try cursor.keyword())
    case "ENABLE":
      var names = [try cursor.keyword()]
      while cursor.takeSpaces(), !cursor.isAtEnd { names.append(try cursor.keyword()) }
      command = .enable(names)
    default:
      command = .id(try identification(&cursor))
    }
    try cursor.expectEnd()
    return command
  }

  /// The tags of CANCELUPDATE (RFC 5267 section 4.3.5), as strings.
  private static func tags(_ cursor: inout ByteCursor) throws(GrammarError) -> [[UInt8]] {
    var tags: [[UInt8]] = []
    repeat {
      try cursor.space()
      tags.append(try cursor.string())
      guard tags.count <= GrammarLimits.listItems else { throw GrammarError("List too long") }
    } while !cursor.isAtEnd
    return tags
  }

  /// The language ranges of LANGUAGE (RFC 5255 section 3.2), best first; none asks for the list.
  private static func languages(_ cursor: inout ByteCursor) throws(GrammarError) -> [String] {
    var ranges: [String] = []
    while cursor.takeSpaces(), !cursor.isAtEnd {
      ranges.append(String(decoding: try cursor.aString(), as: UTF8.self))
      guard ranges.count <= 100 else { throw GrammarError("Too many languages") }
    }
    try cursor.expectEnd()
    return ranges
  }

  /// The parameter list of ID (RFC 2971 section 3.1).
  private static func identification(
    _ cursor: inout ByteCursor
  ) throws(GrammarError) -> [IDParameter] {
    if cursor.takeWord("NIL") { return [] }
    // Some clients leave the quotes out where they send a number.
    let strings = try cursor.list(allowEmpty: true) { (cursor) throws(GrammarError) in
      cursor.takeWord("NIL") ? nil : try cursor.aString()
    }
    guard strings.count % 2 == 0, strings.count <= 60 else { throw GrammarError("Invalid ID parameter list") }
    var result: [IDParameter] = []
    for index in stride(from: 0, to: strings.count, by: 2) {
      guard let key = strings[index] else { throw GrammarError("Invalid ID parameter name") }
      result.append(IDParameter(key: key, value: strings[index + 1]))
    }
    return result
  }

  private static func mailboxCommand(_ name: String, _ cursor: inout ByteCursor) throws(GrammarError) -> Command {
    switch name {
    case "SELECT": return .select(try cursor.select(), readOnly: false)
    case "EXAMINE": return .select(try cursor.select(), readOnly: true)
    case "LIST": return .list(try cursor.listCommand())
    case "LSUB": return .lsub(try cursor.lsub())
    case "CREATE": return try create(&cursor)
    case "DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "GETQUOTA", "GETQUOTAROOT":
      try cursor.space()
      let mailbox = try cursor.aString()
      try cursor.expectEnd()
      switch name {
      case "DELETE": return .delete(mailbox)
      case "SUBSCRIBE": return .subscribe(mailbox)
      case "UNSUBSCRIBE": return .unsubscribe(mailbox)
      case "GETQUOTA": return .getQuota(mailbox)
      default: return .getQuotaRoot(mailbox)
      }
    case "RENAME":
      try cursor.space()
      let from = try cursor.aString()
      try cursor.space()
      let to = try cursor.aString()
      try cursor.expectEnd()
      return .rename(from: from, to: to)
    case "STATUS":
      try cursor.space()
      let mailbox = try cursor.aString()
      try cursor.space()
      let items = try cursor.statusItems()
      try cursor.expectEnd()
      return .status(mailbox, items)
    case "SETACL", "DELETEACL", "GETACL", "LISTRIGHTS", "MYRIGHTS":
      return .rights(try cursor.rightsCommand(name))
    case "NOTIFY": return .notify(try cursor.notify())
    case "GETMETADATA": return .getMetadata(try cursor.metadataQuery())
    case "SETMETADATA":
      try cursor.space()
      let mailbox = try cursor.aString()
      try cursor.space()
      return .setMetadata(mailbox, try cursor.metadataChanges())
    case "SETQUOTA":
      try cursor.space()
      let root = try cursor.aString()
      try cursor.space()
      _ = try cursor.list(allowEmpty: true) { (cursor) throws(GrammarError) in try cursor.keyword() }
      try cursor.expectEnd()
      return .setQuota(root)
    default: throw GrammarError("Unknown command")
    }
  }

  /// CREATE with the USE of RFC 6154 section 3.
  private static func create(_ cursor: inout ByteCursor) throws(GrammarError) -> Command {
    try cursor.space()
    let mailbox = try cursor.aString()
    var uses: [String] = []
    if cursor.takeSpaces(), cursor.take(UInt8(ascii: "(")) {
      guard cursor.takeWord("USE") else { throw GrammarError("Unknown CREATE parameter") }
      try cursor.space()
      uses = try cursor.list(allowEmpty: true) { (cursor) throws(GrammarError) in
        try cursor.expect(UInt8(ascii: "\\"))
        return "\\" + (try cursor.keyword())
      }
      try cursor.expect(UInt8(ascii: ")"))
    }
    try cursor.expectEnd()
    return .create(mailbox, uses: uses)
  }
}
