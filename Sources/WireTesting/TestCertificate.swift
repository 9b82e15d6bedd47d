import Glibc
import NIOSSL
import Wire

/// A self-signed certificate and its key in a folder of its own; gone with the value's last use.
package final class TestCertificate: Sendable {
  /// The folder that holds both files.
  package let folder: String
  /// Path of the certificate, PEM.
  package let certificateFile: String
  /// Path of the key, PEM.
  package let keyFile: String
  /// The certificate as DER, to compare with what a server shows.
  package let der: [UInt8]

  /// Makes a pair for the host names.
  package init(hostNames: [String] = ["localhost", "mail.example.test", "127.0.0.1", "::1"]) throws {
    var template = Array("/tmp/martinet-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw TestFailure("mkdtemp: \(String(cString: strerror(errno)))") }
    folder = String(cString: made)
    certificateFile = folder + "/cert.pem"
    keyFile = folder + "/key.pem"
    let pair = try SelfSignedCertificate(hostNames: hostNames)
    try pair.write(certificate: certificateFile, key: keyFile)
    der = try NIOSSLCertificate(bytes: pair.certificatePEM, format: .pem).toDERBytes()
  }

  deinit {
    unlink(certificateFile)
    unlink(keyFile)
    rmdir(folder)
  }

  /// The two paths, as `TLSCertificates` takes them.
  package var files: TLSCertificates.Files { TLSCertificates.Files(certificate: certificateFile, key: keyFile) }
}

/// A test went another way than it should have.
package struct TestFailure: Error, CustomStringConvertible {
  /// What happened, with the transcript where there is one.
  package let description: String

  /// Takes the text.
  package init(_ text: String) { description = text }
}
