/** The frame of every page: navigation, the token field where one is wanted, and the live region. */
import { useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { TokenForm } from './components/token-form.tsx';
import icon from './icon.svg';
import { BenchPage } from './pages/bench.tsx';
import { BenchesPage } from './pages/benches.tsx';
import { FleetPage } from './pages/fleet.tsx';
import { NewStudyPage } from './pages/new-study.tsx';
import { StudiesPage } from './pages/studies.tsx';
import { StudyPage } from './pages/study.tsx';
import { paths, type Route, route } from './route.ts';
import { announcement } from './state/announce.ts';
import { connected, followOverview } from './state/overview.ts';
import { tokenWanted } from './state/session.ts';

export function App() {
  return (
    <>
      <button type="button" class="skip" onClick={skipToContent}>
        Skip to content
      </button>
      <header class="bar">
        <a class="brand" href={paths.fleet}>
          <img src={icon} alt="" width="28" height="28" /> EdgeTune
        </a>
        <nav aria-label="Pages">
          <NavLink href={paths.fleet} current={route.value.page === 'fleet'}>
            Fleet
          </NavLink>
          <NavLink href={paths.studies} current={['studies', 'study'].includes(route.value.page)}>
            Studies
          </NavLink>
          <NavLink href={paths.newStudy} current={route.value.page === 'new-study'}>
            New study
          </NavLink>
          <NavLink href={paths.benches} current={['benches', 'bench'].includes(route.value.page)}>
            Bench
          </NavLink>
        </nav>
        {!connected.value && !tokenWanted.value && <span class="badge bad">Connection lost, trying again</span>}
      </header>
      <main id="content" tabIndex={-1}>
        {tokenWanted.value ? <TokenForm /> : <Pages route={route.value} />}
      </main>
      <div class="hidden" aria-live="polite">
        {announcement}
      </div>
    </>
  );
}

function Pages({ route }: { route: Route }) {
  useSignalEffect(() => {
    const controller = new AbortController();
    followOverview(controller.signal);
    return () => controller.abort();
  });
  switch (route.page) {
    case 'fleet':
      return <FleetPage />;
    case 'studies':
      return <StudiesPage />;
    case 'new-study':
      return <NewStudyPage />;
    case 'study':
      return <StudyPage key={route.id} id={route.id} />;
    case 'benches':
      return <BenchesPage />;
    case 'bench':
      return <BenchPage key={route.id} id={route.id} />;
  }
}

function NavLink({ href, current, children }: { href: string; current: boolean; children: ComponentChildren }) {
  return (
    <a href={href} aria-current={current ? 'page' : undefined}>
      {children}
    </a>
  );
}

/** Not a link: that would change the hash, which is the route. */
function skipToContent() {
  document.getElementById('content')?.focus();
}
