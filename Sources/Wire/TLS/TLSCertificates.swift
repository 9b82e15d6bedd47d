import Basics
import Synchronization

/// The host's certificates: a default and more by host name, exchangeable while sessions run.
package final class TLSCertificates: Sendable {
  /// A certificate chain and its key, both PEM files.
  package struct Files: Sendable, Hashable {
    /// The chain, leaf first.
    package var certificate: String
    /// The private key of the leaf.
    package var key: String

    /// Names the two files.
    package init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// A certificate that is served.
  package struct Served: Sendable, Equatable {
    /// Its DNS names.
    package let names: [String]
    /// When it ends.
    package let notAfter: Timestamp?
  }

  private struct Table {
    var first: TLSIdentity
    var all: [TLSIdentity]
    var exact: [String: TLSIdentity] = [:]
    /// By what follows the asterisk: `.example.test`.
    var wildcards: [String: TLSIdentity] = [:]

    init(_ files: [Files]) throws(TLSFileError) {
      guard let primary = files.first else { throw TLSFileError(text: "no certificate is configured") }
      first = try TLSIdentity(primary)
      all = [first]
      for more in files.dropFirst() { all.append(try TLSIdentity(more)) }
      // The first that names a host wins.
      for identity in all.reversed() {
        for name in identity.names {
          if name.hasPrefix("*.") { wildcards[String(name.dropFirst())] = identity } else { exact[name] = identity }
        }
      }
    }
  }
  private let table: Mutex<Table>

  /// Loads the certificates; the first is what clients get that name no host, or one without a certificate.
  ///
  /// - Throws: `TLSFileError`.
  package init(_ files: [Files]) throws(TLSFileError) { table = Mutex(try Table(files)) }

  /// Loads them anew for the connections to come; sessions go on with what they have.
  ///
  /// - Throws: `TLSFileError`; nothing has changed then.
  package func reload(_ files: [Files]) throws(TLSFileError) {
    let loaded = try Table(files)
    table.withLock { $0 = loaded }
  }

  /// The certificates, the default first, for `martinet tls names`.
  package var served: [Served] { table.withLock { $0.all.map { Served(names: $0.names, notAfter: $0.notAfter) } } }

  /// The host names the certificates cover.
  package var names: [String] { served.flatMap(\.names) }

  /// What a client gets that asks for the host (RFC 6066 section 3, wildcards as in RFC 9525 section 6.3).
  func identity(for host: String?) -> TLSIdentity {
    table.withLock { table in
      guard let host else { return table.first }
      if let exact = table.exact[host] { return exact }
      if let dot = host.firstIndex(of: "."), let match = table.wildcards[String(host[dot...])] { return match }
      return table.first
    }
  }
}

/// Why a certificate or key cannot be used, as one line: file and reason.
package struct TLSFileError: Error, CustomStringConvertible, Sendable, Equatable {
  /// For instance `tls/key.pem: does not belong to the certificate in tls/cert.pem`.
  package let text: String
  /// The same line.
  package var description: String { text }
}
