/// The octets of a message on their way through the house: small ones in memory, large ones in a spool file.
package enum MessageContent: Sendable {
  /// The whole message, lines ended by CRLF.
  case bytes([UInt8])
  /// A file that holds the whole message and its size in octets.
  case file(path: String, size: Int)

  /// Size in octets.
  package var size: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .file(_, let size): size
    }
  }
}
