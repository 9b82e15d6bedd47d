import Basics
import Configuration
import RelayAccess

/// Keeps the file that a firewall includes like the blacklist, where the host wants it (`limits.silence: export`).
struct BlacklistExport: Equatable {
  let path: String
  let form: FirewallForm
  let ports: [Int]
  /// What the text depends on besides the list.
  let exempt: [IPNetwork]

  /// - Returns: `nil` when the host writes no such file.
  init?(_ configuration: Configuration, _ folder: DataFolder) {
    guard configuration.limits.silence == LimitSettings.SilenceMode.export.rawValue,
      let form = FirewallForm(rawValue: configuration.limits.exportFormat)
    else { return nil }
    self.form = form
    path = configuration.limits.exportFile ?? "\(folder.run)/blacklist.\(form.rawValue)"
    ports = configuration.smtpPorts
    exempt = configuration.limits.exemptNetworks
  }
}

extension RunningHost {
  /// Writes the file anew within a second of every change of the list, as a whole and under its name at once.
  func exportBlacklist() async {
    await cancelWhenGracefulShutdown {
      var last: (BlacklistExport, FirewallList.Mark)?
      var hasFailed = false
      while !Task.isCancelled {
        if let export = self.blacklistExport.withLock({ $0 }) {
          do {
            let known = last.flatMap { $0.0 == export ? $0.1 : nil }
            if let list = try await self.rooms.relay.firewallList(export.form, ports: export.ports, unless: known) {
              try await self.rooms.queue.onFileThread { try DataFolder.writeSmallFile(export.path, list.text) }
              last = (export, list.mark)
            }
            hasFailed = false
          } catch {
            if !hasFailed { self.log.error("the firewall's file was not written", metadata: ["error": "\(error)"]) }
            hasFailed = true
          }
        } else {
          last = nil
        }
        do { try await self.time.sleep(for: .seconds(1)) } catch { return }
      }
    }
  }
}
