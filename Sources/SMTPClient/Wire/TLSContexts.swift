import NIOSSL
import Synchronization

/// The two client contexts, made at first use: reading the system's roots costs milliseconds.
final class TLSContexts: Sendable {
  private let cache = Mutex<[Bool: NIOSSLContext]>([:])

  /// The context that does or does not verify certificates.
  func context(verifying: Bool) throws -> NIOSSLContext {
    if let known = cache.withLock({ $0[verifying] }) { return known }
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.certificateVerification = verifying ? .fullVerification : .none
    let made = try NIOSSLContext(configuration: configuration)
    cache.withLock { $0[verifying] = made }
    return made
  }
}
