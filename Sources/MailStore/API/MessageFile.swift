/// An open message, read as it goes over the wire (CRLF line ends), whatever the file's own line ends are.
///
/// All positions are wire octets. Reads block and belong on a thread pool; `read` and `bytes` see to that.
package final class MessageFile: Sendable {
  /// Octets on the wire.
  package let size: Int
  /// Whether the file's octets are the wire's octets, so that `descriptor` may be sent as it is.
  package let isCRLF: Bool
  /// The open file; owned by this object and valid as long as it lives. Use only when `isCRLF`.
  package let descriptor: Int32

  init(descriptor: Int32, size: Int, isCRLF: Bool) {
    self.descriptor = descriptor
    self.size = size
    self.isCRLF = isCRLF
  }

  /// The whole message.
  package func bytes() async throws -> [UInt8] { throw StoreError(.temporary, "not built yet") }

  /// A part of the message; shorter when it reaches past the end.
  package func read(at offset: Int, count: Int) async throws -> [UInt8] {
    throw StoreError(.temporary, "not built yet")
  }
}
