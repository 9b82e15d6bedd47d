import Basics
import Configuration
import Logging
import NIOPosix
import SMTPClient
import Wire

#if canImport(Glibc)
  import Glibc
#endif

/// What the certificates of a host are worth, read from the files and seen over a connection (R33, R42).
package enum TLSProbe {
  /// One certificate of the configuration.
  package struct Certificate: Sendable {
    /// The certificate's file.
    package let file: String
    /// The key's file.
    package let key: String
    /// The names it covers.
    package let names: [String]
    /// When it ends.
    package let ends: Timestamp?
    /// Why it cannot be used.
    package let fault: String?
    /// Whether others may read the key.
    package let isKeyOpen: Bool
  }

  /// Every certificate, the default first.
  package static func certificates(of configuration: Configuration) -> [Certificate] {
    (HostCheck.certificates(of: configuration) ?? []).map { files in
      var info = stat()
      let isOpen = stat(files.key, &info) == 0 && info.st_mode & 0o007 != 0
      do {
        let served = try TLSCertificates([files]).served.first
        return Certificate(
          file: files.certificate, key: files.key, names: served?.names ?? [], ends: served?.notAfter, fault: nil,
          isKeyOpen: isOpen)
      } catch {
        return Certificate(
          file: files.certificate, key: files.key, names: [], ends: nil, fault: "\(error)", isKeyOpen: isOpen)
      }
    }
  }

  /// Whether a certificate covers a host name (RFC 9525 section 6.3).
  package static func covers(_ names: [String], _ host: String) -> Bool {
    let host = host.lowercased()
    let parent = host.firstIndex(of: ".").map { String(host[$0...]) }
    return names.contains { $0 == host || ($0.hasPrefix("*.") && parent == String($0.dropFirst())) }
  }

  /// Makes a handshake with an SMTP port of this host.
  ///
  /// - Returns: the protocol version; throws the failure's words.
  package static func handshake(_ address: IPAddress, port: Int, isImplicit: Bool, hostname: String) async throws
    -> String
  {
    var settings = SMTPClientSettings()
    settings.connectTimeout = .seconds(5)
    settings.greetingTimeout = .seconds(10)
    let client = SMTPClient(
      group: MultiThreadedEventLoopGroup.singleton, files: .singleton, settings: settings,
      log: Logger(label: "probe") { LineLogHandler(label: $0, level: .error) })
    do throws(SMTPFailure) {
      let session = try await client.connect(
        to: SMTPEndpoint(
          host: hostname, address: address, port: port, helo: hostname, tls: isImplicit ? .implicit : .required))
      let version = session.tls
      await session.quit()
      return version ?? "no TLS"
    } catch {
      throw SetupError(error.cause == .tls ? "TLS not available: connect failed: \(error.detail)" : "\(error)")
    }
  }
}
