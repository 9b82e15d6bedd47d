import MailSyntax

/// Folder names on disk: Maildir++ `.Level.Level`, each level in modified UTF-7 (RFC 3501 section 5.1.3).
///
/// A dot inside a level would read as a separator; it travels as modified UTF-7's own escape (`&AC4-`), as do other
/// characters that file names should not start or end with. The escape is decoded to the same character by every
/// program that knows modified UTF-7, so names map one-to-one.
enum FolderNameCodec {
  /// The directory's name, for instance `.Entw&APw-rfe.2026`; empty for INBOX.
  static func directoryName(_ name: MailboxName) -> String {
    if name.isInbox { return "" }
    return name.levels.map { "." + encode($0) }.joined()
  }

  /// The folder a directory's name stands for; `nil` when this program would not have written it so.
  static func name(ofDirectory directory: String) -> MailboxName? {
    guard directory.utf8.first == UInt8(ascii: ".") else { return nil }
    let levels = directory.utf8.dropFirst().split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    var decoded: [String] = []
    for level in levels {
      guard let text = decode(Array(level)), !text.utf8.contains(UInt8(ascii: "/")) else { return nil }
      decoded.append(text)
    }
    guard let name = try? MailboxName(decoded.joined(separator: "/")), directoryName(name) == directory else {
      return nil
    }
    return name
  }

  /// Separators of Maildir++ and of paths.
  private static let separators: String.UnicodeScalarView = "./".unicodeScalars

  /// One level in modified UTF-7 with dots escaped.
  static func encode(_ level: String) -> String { ModifiedUTF7.encode(level, alsoShifting: separators) }

  /// A level's text, or `nil` when it is not modified UTF-7.
  static func decode(_ level: [UInt8]) -> String? { ModifiedUTF7.decode(level, alsoShifting: separators) }
}
