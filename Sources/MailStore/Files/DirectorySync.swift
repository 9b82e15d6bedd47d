import Glibc

/// Lets everyone who waits for the same directory share one fsync.
///
/// A sync that began before a rename does not cover it; so whoever comes while one runs waits for the next.
final class DirectorySync: @unchecked Sendable {
  // Guarded by `lock`, a pthread mutex, because waiting needs a condition variable.
  private struct Entry {
    var asked: UInt64 = 0
    var done: UInt64 = 0
    var running = false
    var waiting = 0
    var failures: [UInt64: StoreError] = [:]
  }
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var entries: [String: Entry] = [:]

  init() {
    lock = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
  }

  /// Blocks until a sync that began after this call has ended.
  func sync(_ path: String) throws {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    entries[path, default: Entry()].asked += 1
    let ticket = entries[path]?.asked ?? 0
    entries[path]?.waiting += 1
    defer { leave(path) }
    while let entry = entries[path], entry.done < ticket {
      if entry.running {
        pthread_cond_wait(changed, lock)
        continue
      }
      let covers = entry.asked
      entries[path]?.running = true
      pthread_mutex_unlock(lock)
      var failure: StoreError?
      do { try FileSystem.syncDirectory(path) } catch {
        failure = error as? StoreError ?? StoreError(.temporary, "fsync \(path)")
      }
      pthread_mutex_lock(lock)
      if let failure { for number in (entry.done + 1)...covers { entries[path]?.failures[number] = failure } }
      entries[path]?.running = false
      entries[path]?.done = covers
      pthread_cond_broadcast(changed)
    }
    if let failure = entries[path]?.failures.removeValue(forKey: ticket) { throw failure }
  }

  private func leave(_ path: String) {
    entries[path]?.waiting -= 1
    if entries[path]?.waiting == 0 { entries[path] = nil }
  }
}
