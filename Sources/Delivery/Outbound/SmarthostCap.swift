import Basics
import MailLog

/// Counts what a smarthost was given, by the mail log, so that a provider's limit is kept (R68).
actor SmarthostCap {
  private struct Count {
    var daily = 0
    var monthly = 0
    var read: Duration
  }

  private let journal: MailLog?
  private let time: any TimeSource
  private var counts: [String: Count] = [:]
  /// How long a count from the log is believed; what is given meanwhile is added to it.
  private static let lifetime = Duration.seconds(60)

  init(journal: MailLog?, time: any TimeSource) {
    self.journal = journal
    self.time = time
  }

  /// Takes a place for one message; a text when there is none left.
  ///
  /// A message whose attempt then fails has its place back with the next look at the log.
  func take(_ host: Smarthost) async -> AttemptText? {
    guard host.daily != nil || host.monthly != nil else { return nil }
    var count = await count(host)
    if let daily = host.daily, count.daily >= daily { return .capReached(host.host, daily, "a day") }
    if let monthly = host.monthly, count.monthly >= monthly { return .capReached(host.host, monthly, "in 30 days") }
    count.daily += 1
    count.monthly += 1
    counts[host.host] = count
    return nil
  }

  private func count(_ host: Smarthost) async -> Count {
    if let known = counts[host.host], time.uptime - known.read < Self.lifetime { return known }
    var count = Count(read: time.uptime)
    await journal?.flush()
    count.daily = (try? await journal?.sent(by: host.host, since: time.now - .seconds(86_400))) ?? 0
    count.monthly = (try? await journal?.sent(by: host.host, since: time.now - .seconds(30 * 86_400))) ?? 0
    // Another worker may have read and taken in between.
    if let known = counts[host.host], time.uptime - known.read < Self.lifetime { return known }
    counts[host.host] = count
    return count
  }
}
