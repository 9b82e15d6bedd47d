import Basics
import MailSyntax

#if canImport(Glibc)
  import Glibc
#endif

/// What a message's header tells about its way so far.
struct HeaderScan: Sendable {
  /// Addresses in `Delivered-To:` lines, folded.
  var deliveredTo: Set<String> = []
  /// Number of `Received:` lines.
  var hops = 0
  /// The Message-ID without its brackets.
  var messageID: String?
  /// Whether a scanner in front called it spam.
  var isSpam = false

  /// Reads the header at the start of a message; a body is not looked at.
  init(_ bytes: [UInt8]) {
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      var line = bytes[start..<end]
      if line.last == 0x0d { line.removeLast() }
      if line.isEmpty { return }
      read(line)
      start = end + 1
    }
  }

  private mutating func read(_ line: ArraySlice<UInt8>) {
    // Only these start the way we look for; anything else costs one comparison.
    guard let first = line.first, "rdmxRDMX".utf8.contains(first), let colon = line.firstIndex(of: UInt8(ascii: ":"))
    else { return }
    switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
    case "received": hops += 1
    case "message-id":
      let value = line[(colon + 1)...].filter { $0 > 0x20 && $0 != 0x3c && $0 != 0x3e }
      if messageID == nil, !value.isEmpty { messageID = String(decoding: value.prefix(320), as: UTF8.self) }
    case "x-spam-flag", "x-spam", "x-spam-status":
      let value = String(decoding: line[(colon + 1)...].prefix(20), as: UTF8.self).lowercased()
      if value.drop(while: { $0 == " " }).hasPrefix("yes") { isSpam = true }
    case "delivered-to":
      let value = line[(colon + 1)...].filter { $0 != 0x20 && $0 != 0x09 }
      guard deliveredTo.count < 1000 else { return }
      deliveredTo.insert(String(decoding: value, as: UTF8.self).lowercased())
    default: break
    }
  }

  /// The first octets of a message, for ``init(_:)``; blocks when they are in a file.
  static func head(_ content: MessageContent, limit: Int) -> [UInt8]? {
    switch content {
    case .bytes(let bytes): return bytes.count <= limit ? bytes : Array(bytes.prefix(limit))
    case .file(let path, let size):
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      var bytes = [UInt8](repeating: 0, count: min(size, limit))
      var done = 0
      while done < bytes.count {
        let wanted = bytes.count - done
        let got = bytes.withUnsafeMutableBytes { buffer in
          pread(descriptor, buffer.baseAddress.map { $0 + done }, wanted, off_t(done))
        }
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { return nil }
        done += got
      }
      return bytes
    }
  }
}
