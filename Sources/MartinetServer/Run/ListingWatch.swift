import Basics
import Configuration
import Diagnosis
import MailLog

/// What a public blacklist said of an address that mail is sent from.
struct Listing: Sendable {
  let address: String
  let zone: String
  /// `listed`, `dynamic`, `not listed` or `no answer`.
  let state: String
  let at: Timestamp

  init(_ finding: Finding, at: Timestamp) {
    let parts = finding.subject.split(separator: " ")
    address = parts.first.map(String.init) ?? ""
    zone = parts.dropFirst().first.map(String.init) ?? ""
    state =
      switch finding.state {
      case .failed: "listed"
      case .warning: "dynamic"
      case .ok: "not listed"
      case .unknown: "no answer"
      }
    self.at = at
  }
}

extension RunningHost {
  /// Asks public blacklists daily about the addresses that mail is sent from (R70); the answers are in `status` and in the
  /// report `dnsbl`.
  func watchListings() async {
    await cancelWhenGracefulShutdown {
      let queue = self.rooms.configuration.queue
      // Not at the very start: hosts that are restarted often would ask for nothing.
      var pause = min(queue.listingInterval, .seconds(600))
      while !Task.isCancelled {
        do { try await self.time.sleep(for: pause) } catch { return }
        pause = queue.listingInterval
        await self.askForListings(queue.listingZones ?? NameProbe.blacklists)
      }
    }
  }

  private func askForListings(_ zones: [String]) async {
    guard !zones.isEmpty else { return }
    let configuration = rooms.configuration
    let addresses = await OutgoingAddresses.find(configuration) { [resolver] in
      (try? await resolver.addresses($0).records) ?? []
    }
    guard !addresses.isEmpty else { return }
    let patient = Patient(hostname: configuration.hostname, domains: [], addresses: addresses.map { "\($0)" })
    var found: [Listing] = []
    for finding in await NameProbe(resolver: resolver, patient: patient).listings(zones) {
      let listing = Listing(finding, at: time.now)
      found.append(listing)
      rooms.mailLog.count(MailCount(.listing, name: listing.address, detail: "\(listing.zone) \(listing.state)"))
      guard finding.state == .failed || finding.state == .warning else { continue }
      log.warning(
        "an address that mail is sent from is on a blacklist",
        metadata: ["address": "\(listing.address)", "list": "\(listing.zone)", "remedy": "\(finding.remedy)"])
    }
    listings.withLock { $0 = found }
  }
}
