import Basics

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

  /// Loads the certificates; the first is what clients get that name no host, or one without a certificate.
  ///
  /// - Throws: `TLSFileError`.
  package init(_ files: [Files]) throws(TLSFileError) {
    throw TLSFileError(text: "none")
  }

  /// Loads them anew for the connections to come; sessions go on with what they have. On failure nothing changes.
  package func reload(_ files: [Files]) throws(TLSFileError) {}

  /// The host names the certificates cover, for `martinet tls names`.
  package var names: [String] { [] }
}

/// Why a certificate or key cannot be used, as one line: file and reason.
package struct TLSFileError: Error, CustomStringConvertible, Sendable, Equatable {
  /// For instance `tls/key.pem: does not belong to the certificate in tls/cert.pem`.
  package let text: String
  /// The same line.
  package var description: String { text }
}
