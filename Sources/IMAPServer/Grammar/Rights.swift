/// Rights to a mailbox (RFC 4314 section 2).
struct Rights: OptionSet, Hashable, Sendable {
  let rawValue: UInt16

  static let lookup = Rights(rawValue: 1)
  static let read = Rights(rawValue: 2)
  /// Keeping `\Seen`.
  static let seen = Rights(rawValue: 4)
  /// Changing flags other than `\Seen` and `\Deleted`.
  static let write = Rights(rawValue: 8)
  static let insert = Rights(rawValue: 16)
  /// Sending mail to the mailbox's address, which nothing here has; kept for what it is.
  static let post = Rights(rawValue: 32)
  /// Making mailboxes below.
  static let create = Rights(rawValue: 64)
  static let deleteMailbox = Rights(rawValue: 128)
  /// Setting `\Deleted`.
  static let deleteMessages = Rights(rawValue: 256)
  static let expunge = Rights(rawValue: 512)
  static let administer = Rights(rawValue: 1024)

  static let all = Rights(rawValue: 2047)

  /// The letters in the order of the RFC.
  private static let letters: [(letter: UInt8, right: Rights)] = zip(Array("lrswipkxtea".utf8), 0..<11).map {
    ($0, Rights(rawValue: 1 << UInt16($1)))
  }

  /// What the two letters of RFC 2086 stand for (RFC 4314 section 2.1.1).
  private static let oldCreate: Rights = [.create, .deleteMailbox]
  private static let oldDelete: Rights = [.expunge, .deleteMessages]

  /// Reads letters; `nil` when one of them is no right.
  init?(letters: some Sequence<UInt8>) {
    var rights: Rights = []
    for letter in letters {
      switch letter {
      case UInt8(ascii: "c"): rights.formUnion(Self.oldCreate)
      case UInt8(ascii: "d"): rights.formUnion(Self.oldDelete)
      default:
        guard let known = Self.letters.first(where: { $0.letter == letter }) else { return nil }
        rights.formUnion(known.right)
      }
    }
    self = rights
  }

  init(rawValue: UInt16) { self.rawValue = rawValue }

  /// One letter for each right.
  var ownLetters: String {
    Self.letters.filter { contains($0.right) }.map { String(UnicodeScalar($0.letter)) }.joined()
  }

  /// The letters, those of RFC 2086 behind them for old clients.
  var letters: String {
    var text = ownLetters
    if !isDisjoint(with: Self.oldCreate) { text += "c" }
    if !isDisjoint(with: Self.oldDelete) { text += "d" }
    return text
  }

  /// Whether anything but looking may be done with a mailbox (RFC 4314 section 5.2).
  var allowsChanges: Bool { !isDisjoint(with: [.seen, .write, .insert, .deleteMessages, .expunge]) }
}

/// A change that SETACL asks for.
struct RightsChange: Equatable, Sendable {
  enum Mode: Equatable, Sendable {
    case add
    case remove
    case replace
  }

  var mode: Mode
  var rights: Rights

  func applied(to old: Rights) -> Rights {
    switch mode {
    case .add: old.union(rights)
    case .remove: old.subtracting(rights)
    case .replace: rights
    }
  }
}

/// The commands of RFC 4314; mailboxes and identifiers as they travelled.
enum RightsCommand: Equatable, Sendable {
  case set([UInt8], identifier: [UInt8], RightsChange)
  case delete([UInt8], identifier: [UInt8])
  case get([UInt8])
  case list([UInt8], identifier: [UInt8])
  case mine([UInt8])
}

extension ByteCursor {
  mutating func rightsCommand(_ name: String) throws(GrammarError) -> RightsCommand {
    try space()
    let mailbox = try aString()
    let command: RightsCommand
    switch name {
    case "GETACL": command = .get(mailbox)
    case "MYRIGHTS": command = .mine(mailbox)
    default:
      try space()
      let identifier = try aString()
      switch name {
      case "DELETEACL": command = .delete(mailbox, identifier: identifier)
      case "LISTRIGHTS": command = .list(mailbox, identifier: identifier)
      default:
        try space()
        command = .set(mailbox, identifier: identifier, try rightsChange())
      }
    }
    try expectEnd()
    return command
  }

  /// `mod-rights`: `+`, `-` or nothing, and letters.
  mutating func rightsChange() throws(GrammarError) -> RightsChange {
    let text = try aString()
    var letters = text[...]
    var mode = RightsChange.Mode.replace
    if let first = letters.first, first == UInt8(ascii: "+") || first == UInt8(ascii: "-") {
      mode = first == UInt8(ascii: "+") ? .add : .remove
      letters = letters.dropFirst()
    }
    guard let rights = Rights(letters: letters) else { throw GrammarError("Unknown right") }
    return RightsChange(mode: mode, rights: rights)
  }
}
