/// What a server's own list says of UIDs: `dovecot-uidlist` of version 1 or 3, or `courierimapuiddb`.
struct SourceUIDs {
  /// One message of a list.
  struct Entry {
    /// The file's name before the `:`.
    var base: ArraySlice<UInt8>
    var uid: UInt32
    /// Dovecot's record P: the message's POP3 unique id; empty stands for the file's name.
    var uniqueID: ArraySlice<UInt8>?
    /// Record O: the message's place in POP3's list.
    var popOrder: UInt32?
    /// Record G.
    var guid: ArraySlice<UInt8>?
  }

  /// UIDVALIDITY.
  private(set) var uidValidity: UInt32 = 0
  /// UIDNEXT.
  private(set) var uidNext: UInt32 = 0
  /// Whether the list is Dovecot's.
  let isDovecot: Bool
  /// The header's record P: the format of unique ids.
  private(set) var uniqueIDFormat: String?
  private let lines: SourceLines
  private var version: UInt32 = 0

  /// The list of a folder; `nil` when there is none that makes sense.
  static func read(_ folder: SourceDirectory) throws -> SourceUIDs? {
    for (name, isDovecot) in [("dovecot-uidlist", true), ("courierimapuiddb", false)] {
      guard let lines = try SourceLines(folder, name), let header = try lines.next() else { continue }
      let list = SourceUIDs(header, lines: lines, isDovecot: isDovecot)
      if list.uidValidity > 0, list.uidNext > 0 { return list }
    }
    return nil
  }

  private init(_ header: ArraySlice<UInt8>, lines: SourceLines, isDovecot: Bool) {
    self.lines = lines
    self.isDovecot = isDovecot
    var rest = header
    version = rest.popField().number ?? 0
    switch version {
    case 1:
      uidValidity = rest.popField().number ?? 0
      uidNext = rest.popField().number ?? 0
    case 3 where isDovecot:
      while !rest.isEmpty {
        let field = rest.popField()
        switch field.first {
        case UInt8(ascii: "V"): uidValidity = field.dropFirst().number ?? 0
        case UInt8(ascii: "N"): uidNext = field.dropFirst().number ?? 0
        case UInt8(ascii: "P"): uniqueIDFormat = String(decoding: field.dropFirst(), as: UTF8.self)
        default: break
        }
      }
    default: break
    }
  }

  /// The next entry that makes sense; `nil` behind the last.
  func next() throws -> Entry? {
    while var rest = try lines.next() {
      guard let uid = rest.popField().number, uid > 0, uid < .max else { continue }
      guard version == 3 else {
        let base = rest.base
        if !base.isEmpty { return Entry(base: base, uid: uid) }
        continue
      }
      var entry = Entry(base: [], uid: uid)
      while let first = rest.first, first != UInt8(ascii: ":") {
        let field = rest.popField()
        switch first {
        case UInt8(ascii: "P"): entry.uniqueID = field.dropFirst()
        case UInt8(ascii: "O"): entry.popOrder = field.dropFirst().number
        case UInt8(ascii: "G"): entry.guid = field.dropFirst()
        default: break
        }
      }
      entry.base = rest.dropFirst().base
      if !entry.base.isEmpty { return entry }
    }
    return nil
  }
}

/// Courier's `courierpop3dsizelist`: the unique ids its POP3 server gives.
struct CourierPOP3List {
  private let lines: SourceLines
  private var version = 0
  private var first: ArraySlice<UInt8>?

  /// The list of an INBOX; `nil` when there is none.
  init?(_ folder: SourceDirectory) throws {
    guard let lines = try SourceLines(folder, "courierpop3dsizelist"), var header = try lines.next() else { return nil }
    self.lines = lines
    if header.first == UInt8(ascii: "/") {
      header.removeFirst()
      version = Int(header.popField().number ?? 0)
      guard (2...3).contains(version) else { return nil }
    } else {
      // The first version has no header: its lines are names and numbers.
      version = 1
      first = header
    }
  }

  /// The next message: the file's name before the `:`, and the unique id; `nil` behind the last.
  mutating func next() throws -> (base: ArraySlice<UInt8>, id: [UInt8])? {
    while true {
      let taken = first
      first = nil
      guard let line = try taken ?? lines.next() else { return nil }
      // File names may hold blanks: the numbers are the last fields.
      guard let cut = line.lastIndex(of: 0x20) else { continue }
      var last = line[(cut + 1)...]
      var name = line[..<cut]
      guard version > 1 else {
        if let number = last.number { return (name.base, Self.id(number, 0, name.base)) }
        continue
      }
      guard let size = name.lastIndex(of: 0x20) else { continue }
      name = name[..<size]
      guard let number = last.popField(UInt8(ascii: ":")).number,
        let validity = last.popField(UInt8(ascii: ":")).number
      else { continue }
      return (name.base, Self.id(number, validity, name.base))
    }
  }

  /// `UID7-1234`, `UID7`, or the file's name with odd characters in hexadecimal digits.
  private static func id(_ number: UInt32, _ validity: UInt32, _ base: ArraySlice<UInt8>) -> [UInt8] {
    if number > 0 { return Array((validity > 0 ? "UID\(number)-\(validity)" : "UID\(number)").utf8) }
    return base.flatMap { octet -> [UInt8] in
      let isPlain = (0x21...0x7e).contains(octet) && !"'\"+".utf8.contains(octet)
      guard !isPlain else { return [octet] }
      let digits = String(octet, radix: 16, uppercase: true)
      return Array("+\(digits.utf8.count == 1 ? "0" : "")\(digits)".utf8)
    }
  }
}
