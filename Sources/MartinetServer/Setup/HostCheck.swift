import Basics
import Configuration
import Wire

#if canImport(Glibc)
  import Glibc
#endif

/// What a configuration asks of the machine around it: files that exist, keys that fit, folders that can be written.
package enum HostCheck {
  /// Every fault, one line each; empty when `serve` would start (ports apart).
  package static func faults(of configuration: Configuration) -> [String] {
    var faults: [String] = []
    if let files = certificates(of: configuration), !files.isEmpty {
      for file in files {
        do {
          _ = try TLSCertificates([file])
        } catch {
          faults.append("\(configuration.file): \"tls\": \(error)")
        }
      }
    }
    var info = stat()
    if stat(configuration.data, &info) != 0 {
      if errno != ENOENT { faults.append("data folder \(configuration.data): \(DataFolder.reason())") }
    } else if access(configuration.data, R_OK | W_OK | X_OK) != 0 {
      faults.append("data folder \(configuration.data): \(DataFolder.reason()); it belongs to uid \(info.st_uid)")
    }
    if let template = configuration.storage.template, access("\(template)/.", R_OK) != 0 {
      faults.append("\"storage.template\" \(template): \(DataFolder.reason())")
    }
    if let file = configuration.queue.smarthost?.passwordFile, access(file, R_OK) != 0 {
      faults.append("\"queue.smarthost.password-file\" \(file): \(DataFolder.reason())")
    }
    if let anchor = configuration.dns.trustAnchor, access(anchor, R_OK) != 0 {
      faults.append("\"dns.trust-anchor\" \(anchor): \(DataFolder.reason())")
    }
    return faults
  }

  /// The configuration's certificates, the default first; `nil` when TLS is not configured.
  static func certificates(of configuration: Configuration) -> [TLSCertificates.Files]? {
    guard let primary = configuration.tls.primary else { return nil }
    let others = configuration.tls.hosts.sorted { $0.key < $1.key }.map(\.value).filter { $0 != primary }
    return ([primary] + others).map { TLSCertificates.Files(certificate: $0.certificate, key: $0.key) }
  }

  /// The text of the file in effect.
  ///
  /// - Throws: `SetupError` when it cannot be read any more.
  package static func text(of configuration: Configuration) throws -> String {
    guard let text = SmallFile.text(configuration.file, limit: 1 << 20) else {
      throw SetupError("\(configuration.file) cannot be read: \(DataFolder.reason())")
    }
    return text
  }
}
