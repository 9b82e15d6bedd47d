import Basics
import COpenSSL
import Glibc

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
  /// - Throws: `TLSFileError` for names that no certificate can carry, or when libcrypto fails.
  package init(
    hostNames: [String], validity: Duration = .seconds(10 * 365 * 86_400), now: Timestamp = .systemNow
  ) throws(TLSFileError) {
    guard let first = hostNames.first, hostNames.allSatisfy(Self.isUsable) else {
      throw TLSFileError(text: "a certificate needs host names of letters, digits, dots and hyphens")
    }
    guard let key = Self.makeKey() else { throw TLSFileError(text: "libcrypto cannot make a P-256 key") }
    defer { EVP_PKEY_free(key) }
    guard let certificate = X509_new() else { throw TLSFileError(text: "libcrypto is out of memory") }
    defer { X509_free(certificate) }
    let start = now.seconds - 3600
    let lifetime = validity.components.seconds + 3600
    guard
      Self.fill(certificate, commonName: first, start: start, lifetime: lifetime),
      Self.addExtensions(certificate, hostNames: hostNames),
      X509_set_pubkey(certificate, key) == 1,
      X509_sign(certificate, key, EVP_sha256()) > 0,
      let certificatePEM = OpenSSLBuffer.collect({ PEM_write_bio_X509($0, certificate) }),
      let keyPEM = OpenSSLBuffer.collect({ PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) })
    else { throw TLSFileError(text: "libcrypto cannot make the certificate: \(OpenSSLBuffer.lastError())") }
    self.certificatePEM = certificatePEM
    self.keyPEM = keyPEM
  }

  /// Writes both files, the key readable by its owner only; existing files are replaced.
  ///
  /// - Throws: `TLSFileError` with file and reason.
  package func write(certificate: String, key: String) throws(TLSFileError) {
    try Self.write(keyPEM, to: key, mode: 0o600)
    try Self.write(certificatePEM, to: certificate, mode: 0o644)
  }

  private static func isUsable(_ name: String) -> Bool {
    if IPAddress(name) != nil { return true }
    return !name.isEmpty && name.utf8.count <= 253
      && name.utf8.allSatisfy { octet in
        (0x30...0x39).contains(octet) || (0x41...0x5a).contains(octet) || (0x61...0x7a).contains(octet)
          || octet == UInt8(ascii: ".") || octet == UInt8(ascii: "-") || octet == UInt8(ascii: "*")
      }
  }

  private static func makeKey() -> OpaquePointer? {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
      EVP_PKEY_generate(context, &key) == 1
    else { return nil }
    return key
  }

  private static func fill(_ certificate: OpaquePointer, commonName: String, start: Int64, lifetime: Int64) -> Bool {
    var serial = [UInt8](repeating: 0, count: 16)
    guard RAND_bytes(&serial, Int32(serial.count)) == 1 else { return false }
    serial[0] = serial[0] & 0x7f | 0x40
    guard let number = BN_bin2bn(serial, Int32(serial.count), nil) else { return false }
    defer { BN_free(number) }
    guard X509_set_version(certificate, 2) == 1,
      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil,
      ASN1_TIME_set(X509_getm_notBefore(certificate), time_t(start)) != nil,
      ASN1_TIME_set(X509_getm_notAfter(certificate), time_t(start + lifetime)) != nil,
      let name = X509_NAME_new()
    else { return false }
    defer { X509_NAME_free(name) }
    // RFC 5280 bounds a common name at 64 octets; longer host names live in subjectAltName alone.
    let common = Array(commonName.utf8.prefix(64))
    return X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING, common, Int32(common.count), -1, 0) == 1
      && X509_set_subject_name(certificate, name) == 1 && X509_set_issuer_name(certificate, name) == 1
  }

  private static func addExtensions(_ certificate: OpaquePointer, hostNames: [String]) -> Bool {
    let names = hostNames.map { IPAddress($0).map { "IP:\($0)" } ?? "DNS:\($0)" }.joined(separator: ",")
    let extensions = [
      (NID_subject_alt_name, names), (NID_basic_constraints, "critical,CA:FALSE"), (NID_ext_key_usage, "serverAuth"),
    ]
    return extensions.allSatisfy { nid, value in
      guard let entry = X509V3_EXT_conf_nid(nil, nil, nid, value) else { return false }
      defer { X509_EXTENSION_free(entry) }
      return X509_add_ext(certificate, entry, -1) == 1
    }
  }

  private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(TLSFileError) {
    let temporary = path + ".new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      throw TLSFileError(text: "\(path): cannot write: \(String(cString: strerror(errno)))")
    }
    let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    let synced = fsync(descriptor)
    let code = errno
    Glibc.close(descriptor)
    guard written == bytes.count, synced == 0, rename(temporary, path) == 0 else {
      unlink(temporary)
      throw TLSFileError(text: "\(path): cannot write: \(String(cString: strerror(code)))")
    }
  }
}
