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

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,".utf8)

  private static func isDirect(_ octet: UInt8) -> Bool {
    (0x20...0x7e).contains(octet) && octet != UInt8(ascii: ".") && octet != UInt8(ascii: "/")
  }

  /// One level in modified UTF-7 with dots escaped.
  static func encode(_ level: String) -> String {
    var result: [UInt8] = []
    var pending: [UInt16] = []
    func flush() {
      guard !pending.isEmpty else { return }
      result.append(UInt8(ascii: "&"))
      var bits: UInt32 = 0
      var count: UInt32 = 0
      for unit in pending {
        bits = bits << 16 | UInt32(unit)
        count += 16
        while count >= 6 {
          count -= 6
          result.append(alphabet[Int(bits >> count & 0x3f)])
        }
        bits &= (1 << count) - 1
      }
      if count > 0 { result.append(alphabet[Int(bits << (6 - count) & 0x3f)]) }
      result.append(UInt8(ascii: "-"))
      pending.removeAll()
    }
    for unit in level.utf16 {
      if unit < 0x80, isDirect(UInt8(unit)) {
        flush()
        result.append(UInt8(unit))
        if unit == 0x26 { result.append(UInt8(ascii: "-")) }
      } else {
        pending.append(unit)
      }
    }
    flush()
    return String(decoding: result, as: UTF8.self)
  }

  /// A level's text, or `nil` when it is not modified UTF-7.
  static func decode(_ level: [UInt8]) -> String? {
    var units: [UInt16] = []
    var position = 0
    while position < level.count {
      let octet = level[position]
      position += 1
      guard octet == UInt8(ascii: "&") else {
        guard (0x20...0x7e).contains(octet) else { return nil }
        units.append(UInt16(octet))
        continue
      }
      if position < level.count, level[position] == UInt8(ascii: "-") {
        units.append(0x26)
        position += 1
        continue
      }
      var bits: UInt32 = 0
      var count: UInt32 = 0
      while true {
        guard position < level.count else { return nil }
        let letter = level[position]
        position += 1
        if letter == UInt8(ascii: "-") { break }
        guard let value = alphabet.firstIndex(of: letter) else { return nil }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 16 {
          count -= 16
          units.append(UInt16(truncatingIfNeeded: bits >> count))
          bits &= (1 << count) - 1
        }
      }
      guard count < 6, bits == 0 else { return nil }
    }
    let text = String(decoding: units, as: UTF16.self)
    // Lone surrogates come back as replacement characters: not a name.
    return Array(text.utf16) == units ? text : nil
  }
}
