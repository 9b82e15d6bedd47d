import Basics
import MailStore
import MailSyntax
import NIOPosix

/// Binary messages (BINARY, RFC 3516 section 4.3): they are kept, and served, with their binary parts encoded.
extension IMAPSession {
  /// A message with the parts that hold NUL, or lone CR or LF where they say they are binary, made base64 or
  /// quoted-printable; their content stays to the octet, and BINARY gives it back.
  ///
  /// - Throws: `NO [UNKNOWN-CTE]` where no encoding is allowed: in headers, signed parts and fragments.
  func encoded(_ spool: AppendSpool, memory: Int) async throws -> AppendSpool {
    guard spool.size <= limits.appendBinary else {
      throw Refusal.no(.tooBig, "Of messages with binary parts, \(limits.appendBinary) octets are the most")
    }
    let content = try await spool.content()
    let output: [UInt8]
    do {
      output = try await NIOThreadPool.singleton.runIfActive {
        try MessageConversion.convert(try Self.octets(content), to: .withoutBinary)
      }
    } catch let error as MessageConversion.Impossible {
      throw Refusal.no(.plain("UNKNOWN-CTE"), "The message cannot be kept: \(error.description)")
    }
    guard output.count <= limits.appendSize else {
      throw Refusal.no(.tooBig, "Message is larger than \(limits.appendSize) octets when its binary parts are encoded")
    }
    let result = AppendSpool(expecting: output.count, threshold: memory, directory: settings.spoolDirectory)
    try await result.add(output)
    return result
  }

  private static func octets(_ content: MessageContent) throws -> [UInt8] {
    switch content {
    case .bytes(let bytes): return bytes
    case .file(let path, let size):
      guard let bytes = SmallFile.bytes(path, limit: size), bytes.count == size else {
        throw StoreError(.temporary, "\(path) cannot be read back")
      }
      return bytes
    }
  }
}
