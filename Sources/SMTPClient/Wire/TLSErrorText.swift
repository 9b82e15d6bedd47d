import NIOCore
import NIOSSL

/// The TLS library's own words, as `TLS not available: connect failed: …` quotes them.
enum TLSErrorText {
  /// What OpenSSL prints when a handshake ends without an error of its own: the peer closed the connection.
  static let none = "error:00000000:lib(0):func(0):reason(0)"

  /// The innermost error string of a failed handshake.
  static func describe(_ error: any Error) -> String {
    switch error {
    case NIOSSLError.handshakeFailed(let inner): describe(inner)
    case NIOSSLError.uncleanShutdown, is ChannelError, is IOError: none
    default: String(describing: error)
    }
  }

  private static func describe(_ error: BoringSSLError) -> String {
    switch error {
    case .sslError(let stack), .unknownError(let stack):
      guard let first = stack.first, first != .eofDuringHandshake else { return none }
      return text(of: first)
    default:
      return none
    }
  }

  /// Keeps `error:CODE:library:function:reason` and drops the source position.
  private static func text(of error: BoringSSLInternalError) -> String {
    let whole = String(describing: error)
    let words = whole.split(separator: " ")
    guard let start = words.firstIndex(where: { $0.hasPrefix("error:") }) else { return whole }
    let kept = words[start...].prefix { $0 != "at" }
    return kept.joined(separator: " ")
  }
}
