import Basics
import Synchronization

/// Names one lease: a network and an account.
struct LeaseKey: Hashable, Sendable {
  let net: IPNetwork
  let accountID: Int64
}

/// What memory knows newer of a lease than the disk does.
struct LeaseChange: Sendable {
  let key: LeaseKey
  let id: String
  let lastSeen: Timestamp
  let expires: Timestamp
  let logins: Int
  let messages: Int
  let recipients: Int
}

/// The running leases of this process: exact ends, and counts that have not reached the disk.
///
/// The row on disk decides whether a lease stands; memory can only make a standing row newer, and only the row with the
/// same id. So another process's revocation counts at once.
final class LeaseMemory: Sendable {
  private struct Entry {
    var id: String
    var lastSeen: Timestamp
    var expires: Timestamp
    /// The end by the monotonic clock: setting the wall clock back lengthens no lease.
    var deadline: Duration
    var written: Duration
    var logins = 0
    var messages = 0
    var recipients = 0
    var isDirty = false
  }
  private let entries = Mutex<[LeaseKey: Entry]>([:])

  /// Notes a row as it was just committed.
  func committed(_ lease: Lease, uptime: Duration) {
    let entry = Entry(
      id: lease.id, lastSeen: lease.lastSeen, expires: lease.expires,
      deadline: uptime + (lease.expires - lease.lastSeen),
      written: uptime)
    entries.withLock { $0[LeaseKey(net: lease.net, accountID: lease.accountID)] = entry }
  }

  /// Renews a lease in memory alone, when its row was written less than `within` ago.
  ///
  /// - Returns: whether that was enough; if not, the caller writes the row.
  func renew(_ lease: Lease, now: Timestamp, uptime: Duration, lifetime: Duration, within: Duration, isLogin: Bool)
    -> Bool
  {
    entries.withLock { entries in
      let key = LeaseKey(net: lease.net, accountID: lease.accountID)
      guard var entry = entries[key], entry.id == lease.id, uptime - entry.written < within, uptime < entry.deadline
      else { return false }
      entry.lastSeen = now
      entry.expires = max(entry.expires, now + lifetime)
      entry.deadline = max(entry.deadline, uptime + lifetime)
      if isLogin { entry.logins += 1 }
      entry.isDirty = true
      entries[key] = entry
      return true
    }
  }

  /// Counts a relayed message or recipients; the row learns of it with the next write.
  func count(_ lease: Lease, messages: Int, recipients: Int, uptime: Duration) {
    entries.withLock { entries in
      let key = LeaseKey(net: lease.net, accountID: lease.accountID)
      var entry =
        entries[key]?.id == lease.id
        ? entries[key]
        : Entry(
          id: lease.id, lastSeen: lease.lastSeen, expires: lease.expires, deadline: uptime + lease.lifetime,
          written: uptime)
      entry?.messages += messages
      entry?.recipients += recipients
      entry?.isDirty = true
      entries[key] = entry
    }
  }

  /// The row with what memory knows newer, and whether the monotonic clock says it is over.
  func current(_ lease: Lease, uptime: Duration) -> (lease: Lease, isOver: Bool) {
    entries.withLock { entries in
      guard let entry = entries[LeaseKey(net: lease.net, accountID: lease.accountID)], entry.id == lease.id else {
        return (lease, false)
      }
      var merged = lease
      merged.lastSeen = max(lease.lastSeen, entry.lastSeen)
      merged.expires = entry.lastSeen >= lease.lastSeen ? entry.expires : lease.expires
      merged.logins += entry.logins
      merged.messages += entry.messages
      merged.recipients += entry.recipients
      return (merged, entry.lastSeen >= lease.lastSeen && uptime >= entry.deadline)
    }
  }

  /// Takes what the disk has not seen; with a key, of that lease alone.
  ///
  /// - Parameter minimumAge: leases whose rows were written more recently are left.
  func takeChanges(uptime: Duration, of only: LeaseKey? = nil, minimumAge: Duration = .zero) -> [LeaseChange] {
    entries.withLock { entries in
      var changes: [LeaseChange] = []
      for key in only.map({ [$0] }) ?? Array(entries.keys) {
        guard var entry = entries[key], entry.isDirty, uptime - entry.written >= minimumAge else { continue }
        changes.append(
          LeaseChange(
            key: key, id: entry.id, lastSeen: entry.lastSeen, expires: entry.expires, logins: entry.logins,
            messages: entry.messages, recipients: entry.recipients))
        entry.logins = 0
        entry.messages = 0
        entry.recipients = 0
        entry.isDirty = false
        entry.written = uptime
        entries[key] = entry
      }
      return changes
    }
  }

  /// Gives back what could not be written.
  func restore(_ changes: [LeaseChange]) {
    entries.withLock { entries in
      for change in changes where entries[change.key]?.id == change.id {
        entries[change.key]?.logins += change.logins
        entries[change.key]?.messages += change.messages
        entries[change.key]?.recipients += change.recipients
        entries[change.key]?.isDirty = true
      }
    }
  }

  /// Forgets leases that are over and have nothing left to write.
  func forgetEnded(uptime: Duration) {
    entries.withLock { entries in
      entries = entries.filter { $0.value.isDirty || uptime < $0.value.deadline }
    }
  }

  /// Leases known.
  var count: Int { entries.withLock { $0.count } }
}
