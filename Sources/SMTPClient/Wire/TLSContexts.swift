import NIOSSL
import Synchronization

/// The client contexts, made at first use: reading the system's roots costs milliseconds.
final class TLSContexts: Sendable {
  /// What a context is for.
  enum Kind: Hashable, Sendable {
    /// Any certificate.
    case unverified
    /// Certificates of the system's authorities.
    case verified
    /// Certificates that a ``DANEVerifier`` judges.
    case byRecords
  }
  private let cache = Mutex<[Kind: NIOSSLContext]>([:])

  /// The context of a kind.
  func context(_ kind: Kind) throws -> NIOSSLContext {
    if let known = cache.withLock({ $0[kind] }) { return known }
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    switch kind {
    case .unverified: configuration.certificateVerification = .none
    case .verified: configuration.certificateVerification = .fullVerification
    case .byRecords:
      // The library would check the name on top of the verifier, and records may name certificates of any name.
      configuration.certificateVerification = .noHostnameVerification
      configuration.trustRoots = .certificates([])
    }
    let made = try NIOSSLContext(configuration: configuration)
    cache.withLock { $0[kind] = made }
    return made
  }
}
